import Testing

@testable import sluice_load

@Suite("Scale")
struct ScaleTests {
    @Test(
        "Linear ticks are round and end above all values",
        arguments: [
            ([412_000.0], [0, 200_000, 400_000, 600_000.0]), ([1.0], [0, 0.5, 1]), ([4.0, 8.0], [0, 2, 4, 6, 8]),
            ([0.03], [0, 0.01, 0.02, 0.03]), ([1e12], [0, 5e11, 1e12]),
        ])
    func linearTicksAreRoundAndEndAboveAllValues(values: [Double], ticks: [Double]) {
        let scale = Scale.linear(upTo: values)
        #expect(scale.ticks.map(Quantity.count.text) == ticks.map(Quantity.count.text))
        #expect(scale.most == scale.ticks.last)
    }

    @Test("A time axis ends at the end of the run")
    func timeEndsWhereItEnds() {
        let scale = Scale.linear(until: 57)
        #expect(scale.ticks == [0, 10, 20, 30, 40, 50])
        #expect(scale.position(of: 57) == 1)
        #expect(
            Scale.linear(until: 0.3).ticks.map(Quantity.count.text) == [
                "0", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3",
            ])
    }

    @Test("Logarithmic ticks are 1, 2 and 5")
    func logarithmicTicksAreOneTwoAndFive() {
        let scale = Scale.logarithmic(around: [120, 900])
        #expect(scale.ticks.map(Quantity.count.text) == ["100", "200", "500", "1 000"])
        #expect(scale.position(of: 100) == 0)
        #expect(abs(scale.position(of: 1000.0.squareRoot() * 10) - 0.5) < 1e-9)
    }

    @Test("Many decades have few logarithmic ticks")
    func logarithmicTicksOfManyDecadesAreFew() {
        let scale = Scale.logarithmic(around: [1, 1e12])
        #expect((3...8).contains(scale.ticks.count))
        #expect(
            Scale.logarithmic(around: [1, 1e5]).ticks.map(Quantity.count.text) == [
                "1", "10", "100", "1 000", "10 000", "100 000",
            ])
    }

    @Test("A single value is inside the scale")
    func oneValueIsInside() {
        let position = Scale.logarithmic(around: [300]).position(of: 300)
        #expect(position > 0 && position < 1)
    }

    @Test(
        "Every value has a position, even an extreme one",
        arguments: [
            [], [0], [-5], [.nan], [.infinity], [.nan, .infinity, 0], [.leastNonzeroMagnitude], [1e-300], [1e300],
            [.greatestFiniteMagnitude], [.leastNonzeroMagnitude, .greatestFiniteMagnitude], [1e-300, 1e300],
        ] as [[Double]])
    func everyValueHasAPlace(values: [Double]) {
        for scale in [.linear(upTo: values), .linear(until: values.first ?? 0), .logarithmic(around: values)] as [Scale]
        {
            #expect(scale.least < scale.most)
            #expect(scale.least.isFinite && scale.most.isFinite)
            #expect(!scale.ticks.isEmpty && scale.ticks.count < 14)
            #expect(scale.ticks.allSatisfy { (scale.least...scale.most).contains($0) })
            #expect(scale.ticks == scale.ticks.sorted())
            for value in values + [-1, 0, 1, .nan, -.infinity, .infinity] {
                #expect((0...1).contains(scale.position(of: value)))
            }
        }
    }

    @Test("A coordinate is a plain decimal number")
    func aCoordinateIsPlain() {
        #expect(
            [0, 1, 12.345, -0.05, 0.001, -0.001, 1e30, .nan, .infinity].map { String(coordinate: $0) }
                == ["0", "1", "12.35", "-0.05", "0", "0", "1000000000", "0", "0"])
        #expect(String(percentOf: 0.125) == "12.5%")
    }
}
