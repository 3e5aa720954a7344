import Glibc

/// What a number measures, and how reports show it: with three significant digits and a unit that fits its size.
enum Quantity: Sendable {
    /// A count, or a rate: `1 234 567`.
    case count
    /// A time, given in nanoseconds: `12.3 µs`.
    case duration
    /// A quotient: `2.31×`.
    case ratio
    /// A fraction of 1, shown as a percentage: `62 %`.
    case share

    /// What is shown in place of a missing number.
    static let absent = "-"

    func text(_ value: Double?) -> String {
        guard let value, value.isFinite else { return Self.absent }
        return switch self {
        case .count: Self.decimal(value)
        case .duration: Self.inUnit(value, of: Self.durations, isShort: false)
        case .ratio: Self.decimal(value, keepsZeros: true) + "×"
        case .share: Self.decimal((value * 100).rounded()) + " %"
        }
    }

    func text(_ value: Int?) -> String {
        guard let value else { return Self.absent }
        guard case .count = self else { return text(Double(value)) }
        return Self.grouped(value)
    }

    /// Returns a range that names the unit once if both ends share it: `3.90 – 5.05 ms`.
    func range(from least: Double, to most: Double, separator: String) -> String {
        let (least, most) = (text(least), text(most))
        let unit = most.suffix(while: { !$0.isNumber })
        return (least.suffix(while: { !$0.isNumber }) == unit ? String(least.dropLast(unit.count)) : least) + separator
            + most
    }

    /// Returns the shortest form, for the ticks of an axis: `200 k`, `5 ms`.
    func tick(_ value: Double) -> String {
        guard value.isFinite else { return Self.absent }
        return switch self {
        case .count: Self.inUnit(value, of: Self.thousands, isShort: true)
        case .duration: Self.inUnit(value, of: Self.durations, isShort: true)
        case .ratio: Self.decimal(value) + "×"
        case .share: text(value)
        }
    }

    private typealias Unit = (size: Double, name: String)

    private static let durations: [Unit] = [(1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")]
    private static let thousands: [Unit] = [(1, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")]

    private static func inUnit(_ value: Double, of units: [Unit], isShort: Bool) -> String {
        // Rounded first: 999.9 ns is 1.00 µs.
        let rounded = rounded(value)
        let unit = units.last { $0.size <= rounded.magnitude } ?? (1, units.first?.name ?? "")
        let keepsZeros = !isShort && unit.size > 1
        let number = decimal(rounded / unit.size, keepsZeros: keepsZeros)
        return unit.name.isEmpty || rounded == 0 && isShort ? number : "\(number) \(unit.name)"
    }

    /// Returns three significant digits, or all digits of numbers from 1000.
    private static func decimal(_ value: Double, keepsZeros: Bool = false) -> String {
        let size = value.magnitude
        guard size > 0 else { return "0" }
        guard (1e-4..<1e15).contains(size) else { return scientific(value) }
        if size >= 1000 || !keepsZeros && value == value.rounded() { return grouped(Int(value.rounded())) }
        let decimals = 2 - exponent(rounded(value))
        return decimals > 0 ? fixed(value, decimals, keepsZeros: keepsZeros) : grouped(Int(value.rounded()))
    }

    private static func fixed(_ value: Double, _ decimals: Int, keepsZeros: Bool) -> String {
        let unit = Int(pow(10, Double(decimals)))
        let scaled = Int((value.magnitude * Double(unit)).rounded())
        var fraction = String(String(scaled % unit + unit).dropFirst())
        if !keepsZeros { while fraction.last == "0" { fraction.removeLast() } }
        let whole = (value < 0 ? "-" : "") + grouped(scaled / unit)
        return fraction.isEmpty ? whole : "\(whole).\(fraction)"
    }

    private static func scientific(_ value: Double) -> String {
        let value = rounded(value)
        let exponent = exponent(value)
        // In two steps, since the power alone may be out of range for a Double.
        let half = exponent / 2
        let mantissa = value / pow(10, Double(half)) / pow(10, Double(exponent - half))
        return "\(fixed(mantissa, 2, keepsZeros: false))e\(exponent)"
    }

    /// Separates groups of three digits with spaces.
    private static func grouped(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var text = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.utf8.count - index) % 3 == 0 { text.append(" ") }
            text.append(digit)
        }
        return text
    }

    /// Rounds to three significant digits.
    private static func rounded(_ value: Double) -> Double {
        guard (1e-300..<1e300).contains(value.magnitude) else { return value }
        let step = pow(10, Double(exponent(value) - 2))
        // With decimals, divides by an exact power: 1.23 is 123 / 100, but not 123 * 0.01.
        return step < 1
            ? (value * (1 / step).rounded()).rounded() / (1 / step).rounded() : (value / step).rounded() * step
    }

    /// Returns the power of ten of the first digit.
    private static func exponent(_ value: Double) -> Int {
        let magnitude = value.magnitude
        return magnitude > 0 && magnitude.isFinite ? Int(log10(magnitude).rounded(.down)) : 0
    }
}

extension String {
    /// Returns the longest suffix whose characters all satisfy the predicate.
    fileprivate func suffix(while isPart: (Character) -> Bool) -> Substring {
        guard let last = lastIndex(where: { !isPart($0) }) else { return self[...] }
        return self[index(after: last)...]
    }
}

extension String {
    /// Creates `2026-03-04 05:06:07 UTC` from seconds since 1970; nil before 1970 and after 9999.
    init?(utcSeconds seconds: Double) {
        // The end of the year 9999.
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
