import Glibc

extension String {
    /// A time of 1970 and later, to the second: `2026-03-04 05:06:07 UTC`; nil where it is none.
    init?(utcSeconds seconds: Double) {
        // The end of year 9999, after which the text would be wider.
        guard seconds >= 0, seconds < 253_402_300_800 else { return nil }
        var whole = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&whole, &parts) != nil else { return nil }
        let day = "\(parts.tm_year + 1900)-\(twoDigits: parts.tm_mon + 1)-\(twoDigits: parts.tm_mday)"
        self = "\(day) \(twoDigits: parts.tm_hour):\(twoDigits: parts.tm_min):\(twoDigits: parts.tm_sec) UTC"
    }
}

extension DefaultStringInterpolation {
    fileprivate mutating func appendInterpolation(twoDigits number: Int32) {
        appendLiteral(number < 10 ? "0\(number)" : "\(number)")
    }
}
