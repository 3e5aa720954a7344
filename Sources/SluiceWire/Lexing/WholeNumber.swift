extension ByteView {
    /// The number that the bytes spell, or nil if they are not a valid number.
    ///
    /// A number has digits only, no sign and no leading zeros, and is at most `Int.max`. Every number has exactly one
    /// spelling, so that two readers of the same line never disagree about the length of a body.
    var wholeNumber: Int? {
        guard let first, first != .zero || count == 1 else { return nil }
        var number = 0
        for index in 0..<count {
            guard self[index].isDigit else { return nil }
            let (tens, overflowed) = number.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tens.addingReportingOverflow(Int(self[index] - .zero))
            guard !overflowed, !carried else { return nil }
            number = sum
        }
        return number
    }

    /// The duration that the bytes spell, or nil. Valid are `0`, and a whole number with `ms`, `s`, `m` or `h`, up to
    /// ``Limits/maxDuration``.
    var duration: Duration? {
        if self == "0" { return .zero }
        var digits = 0
        while digits < count, self[digits].isDigit { digits += 1 }
        guard let number = prefix(digits).wholeNumber, let milliseconds = dropping(digits).unitMilliseconds else {
            return nil
        }
        let (total, overflowed) = number.multipliedReportingOverflow(by: milliseconds)
        let duration = Duration.milliseconds(total)
        return overflowed || duration > Limits.maxDuration ? nil : duration
    }

    private var unitMilliseconds: Int? {
        if self == "ms" { return 1 }
        if self == "s" { return 1000 }
        if self == "m" { return 60_000 }
        if self == "h" { return 3_600_000 }
        return nil
    }
}

extension Duration {
    /// Creates a duration from its spelling in the protocol: `0`, or a whole number with `ms`, `s`, `m` or `h`. Returns
    /// nil for any other text.
    package init?(protocolText text: String) {
        let bytes = Array(text.utf8)
        guard let duration = bytes.withUnsafeBytes({ ByteView($0).duration }) else { return nil }
        self = duration
    }
}
