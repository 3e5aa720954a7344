extension String {
    /// Formats a number with a space between groups of three digits: "1 234 567".
    package init(readable number: Int) {
        let digits = String(number.magnitude)
        self = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.utf8.count - index) % 3 == 0 { append(" ") }
            append(digit)
        }
    }
}

extension String {
    /// Formats a duration for people: "850 ms", "12.3 s", "4 m 10 s", "3 h 05 m", "2 d 4 h".
    ///
    /// The result is rounded down to the last unit shown, so a time is never reported before it has passed.
    package init(readableSeconds seconds: Double) {
        let milliseconds = Int.wholeParts(of: seconds, perSecond: 1000)
        let whole = milliseconds / 1000
        self =
            switch whole {
            case 0: "\(milliseconds) ms"
            case ..<60: "\(tenths: milliseconds / 100) s"
            case ..<3600: "\(whole / 60) m \(twoDigits: whole % 60) s"
            case ..<86_400: "\(whole / 3600) h \(twoDigits: whole / 60 % 60) m"
            default: "\(whole / 86_400) d \(whole / 3600 % 24) h"
            }
    }

    /// Formats a point in time to the microsecond, so that the events of a trace are distinct: "12.345678".
    init(preciseSeconds seconds: Double) {
        let microseconds = Int.wholeParts(of: seconds, perSecond: 1_000_000)
        let fraction = String(microseconds % 1_000_000)
        self = "\(microseconds / 1_000_000).\(String(repeating: "0", count: 6 - fraction.utf8.count))\(fraction)"
    }
}

extension Int {
    /// Converts a time to whole units. A negative time or NaN is 0, and infinity is cut to 1e12 seconds.
    ///
    /// The result is rounded to the nearest unit, because 12.3 in binary is a little less than 12.3.
    fileprivate static func wholeParts(of seconds: Double, perSecond: Double) -> Int {
        guard seconds > 0 else { return 0 }
        return Int((Double.minimum(seconds, 1e12) * perSecond).rounded())
    }
}

extension DefaultStringInterpolation {
    /// Appends a number of tenths as a decimal fraction, or without one if it is whole: "12.3", "12".
    mutating func appendInterpolation(tenths: Int) {
        appendInterpolation(tenths / 10)
        if tenths % 10 > 0 { appendLiteral(".\(tenths % 10)") }
    }

    fileprivate mutating func appendInterpolation(twoDigits number: Int) {
        appendLiteral(number < 10 ? "0\(number)" : "\(number)")
    }
}

extension String {
    /// Formats a number of bytes for people, rounded down to a tenth: "5 B", "1.2 KiB", "3.4 MiB".
    package init(readableBytes bytes: Int) {
        var unit = 1
        var name = "B"
        for larger in ["KiB", "MiB", "GiB", "TiB", "PiB"] where bytes / 1024 >= unit {
            unit *= 1024
            name = larger
        }
        // The remainder is less than 2 to the power of 50, so ten times as much cannot overflow.
        self = "\(tenths: bytes / unit * 10 + bytes % unit * 10 / unit) \(name)"
    }
}

extension String {
    /// Sanitizes a text of unknown origin for use in a line: control characters and line separators become spaces, and
    /// the text is cut to ``Limits/maxReasonBytes``. Returns nil if nothing visible is left.
    package init?(readableReason text: String?) {
        guard let text else { return nil }
        var bytes: [UInt8] = []
        bytes.append(sanitizing: text)
        guard let first = bytes.firstIndex(where: { $0 != .space }),
            let last = bytes.lastIndex(where: { $0 != .space })
        else { return nil }
        self.init(decoding: bytes[first...last], as: UTF8.self)
    }
}
