import Glibc

/// Maps values to positions along an axis, from 0 to 1, and chooses the ticks.
struct Scale: Sendable {
    enum Spacing: Sendable { case linear, logarithmic }

    let spacing: Spacing
    let least: Double
    let most: Double
    /// Values that are 1, 2 or 5 times a power of ten.
    let ticks: [Double]

    /// The values whose steps and multiples a Double can represent. Others do not affect the axis.
    private static let divisible = 1e-300...1e300

    /// Returns a scale from 0 to the first tick that no value exceeds.
    static func linear(upTo values: [Double], ticks count: Int = 4) -> Scale {
        guard let most = values.filter(divisible.contains).max() else {
            return Scale(spacing: .linear, least: 0, most: 1, ticks: [0, 1])
        }
        let step = niceStep(most / Double(count))
        // Slightly less, so that a rounding error does not add an empty step.
        let last = max(1, Int((most / step * (1 - 1e-9)).rounded(.up)))
        return Scale(spacing: .linear, least: 0, most: Double(last) * step, ticks: (0...last).map { Double($0) * step })
    }

    /// Returns a scale from 0 to exactly `end`, for time axes: an empty rest would look like idle time.
    static func linear(until end: Double, ticks count: Int = 6) -> Scale {
        guard divisible.contains(end) else { return linear(upTo: []) }
        let step = niceStep(end / Double(count))
        let last = Int((end / step * (1 + 1e-9)).rounded(.down))
        return Scale(spacing: .linear, least: 0, most: end, ticks: (0...last).map { min(end, Double($0) * step) })
    }

    /// Returns a scale from the last tick below the values to the first above. Only positive values count.
    static func logarithmic(around values: [Double]) -> Scale {
        let values = values.filter(divisible.contains)
        guard let smallest = values.min(), let largest = values.max() else {
            return Scale(spacing: .logarithmic, least: 1, most: 10, ticks: [1, 10])
        }
        let decades = log10(largest) - log10(smallest)
        let first = Int(log10(smallest).rounded(.down)) - 1
        let exponents = first...(Int(log10(largest).rounded(.up)) + 1)
        let bounds = powers(exponents, times: [1, 2, 5])
        let least = bounds.last { $0 <= smallest } ?? smallest
        let most = bounds.first { $0 > largest } ?? largest
        let every = max(1, Int((decades / 6).rounded(.up)))
        let ticks = powers(
            exponents.filter { ($0 - first).isMultiple(of: every) }, times: decades < 2.5 ? [1, 2, 5] : [1])
        return Scale(
            spacing: .logarithmic, least: least, most: most, ticks: ticks.filter { (least...most).contains($0) })
    }

    private static func powers(_ exponents: some Sequence<Int>, times digits: [Double]) -> [Double] {
        exponents.flatMap { exponent in digits.map { $0 * pow(10, Double(exponent)) } }
    }

    /// Returns a value's position: the nearest end for values out of range, and 0 for NaN.
    func position(of value: Double) -> Double {
        let part =
            switch spacing {
            case .linear: (value - least) / (most - least)
            case .logarithmic: (log10(value) - log10(least)) / (log10(most) - log10(least))
            }
        return part.isNaN ? 0 : min(1, max(0, part))
    }

    /// Returns the least of 1, 2 and 5 times a power of ten that is at least `step`.
    private static func niceStep(_ step: Double) -> Double {
        let power = pow(10, log10(step).rounded(.down))
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= step * (1 - 1e-9) } ?? step
    }
}
