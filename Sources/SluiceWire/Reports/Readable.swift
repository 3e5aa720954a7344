extension String {
    /// A number with a space before every three digits: "1 234 567".
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
    /// A duration as people say it: "850 ms", "12.3 s", "4 m 10 s", "3 h 05 m", "2 d 4 h".
    ///
    /// What is smaller than the last unit shown is cut off, never rounded up: a time that is over has truly passed.
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

    /// A point in time to the microsecond, so that events of a trace stand apart: "12.345678".
    init(preciseSeconds seconds: Double) {
        let microseconds = Int.wholeParts(of: seconds, perSecond: 1_000_000)
        let fraction = String(microseconds % 1_000_000)
        self = "\(microseconds / 1_000_000).\(String(repeating: "0", count: 6 - fraction.utf8.count))\(fraction)"
    }
}

extension Int {
    /// A time in small whole units; 0 for what is negative or no number, and for the endless some millions of years.
    ///
    /// Rounded to the unit, since 12.3 in binary is a little less than that.
    fileprivate static func wholeParts(of seconds: Double, perSecond: Double) -> Int {
        guard seconds > 0 else { return 0 }
        return Int((Double.minimum(seconds, 1e12) * perSecond).rounded())
    }
}

extension DefaultStringInterpolation {
    /// A number of tenths as a decimal fraction, which a whole number goes without: "12.3", "12".
    mutating func appendInterpolation(tenths: Int) {
        appendInterpolation(tenths / 10)
        if tenths % 10 > 0 { appendLiteral(".\(tenths % 10)") }
    }

    fileprivate mutating func appendInterpolation(twoDigits number: Int) {
        appendLiteral(number < 10 ? "0\(number)" : "\(number)")
    }
}

extension String {
    /// A number of bytes as people say it, cut off after a tenth: "5 B", "1.2 KiB", "3.4 MiB".
    package init(readableBytes bytes: Int) {
        var unit = 1
        var name = "B"
        for larger in ["KiB", "MiB", "GiB", "TiB", "PiB"] where bytes / 1024 >= unit {
            unit *= 1024
            name = larger
        }
        // The remainder is less than 2 to the power of 50, so that ten times as much is no overflow.
        self = "\(tenths: bytes / unit * 10 + bytes % unit * 10 / unit) \(name)"
    }
}

extension String {
    /// A text that came from anybody, as a part of one line: without controls and line separators, and cut to
    /// ``Limits/maxReasonBytes``. Nil if nothing is left to see.
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
