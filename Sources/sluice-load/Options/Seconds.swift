import ArgumentParser

/// A time as it is typed: `2`, `0.5`, `500ms`, `10s`, `5m` or `1h`.
struct Seconds: ExpressibleByArgument, Hashable, Sendable {
    let value: Double

    init(_ value: Double) { self.value = value }

    init?(argument: String) {
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("", 1)]
        guard let (unit, factor) = units.first(where: { argument.hasSuffix($0.0) }),
            let number = Double(argument.dropLast(unit.count)), number.isFinite, number >= 0
        else { return nil }
        value = number * factor
    }

    var defaultValueDescription: String { "\(value) s" }
}
