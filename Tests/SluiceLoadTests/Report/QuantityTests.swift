import Testing

@testable import sluice_load

@Suite("Quantity")
struct QuantityTests {
    @Test(
        "A duration has three digits and a fitting unit",
        arguments: [
            (0, "0 ns"), (7, "7 ns"), (12.34, "12.3 ns"), (850, "850 ns"), (999.4, "999 ns"), (999.9, "1.00 µs"),
            (1000, "1.00 µs"), (12_345, "12.3 µs"), (999_499, "999 µs"), (999_999, "1.00 ms"), (1_500_000, "1.50 ms"),
            (2.5e9, "2.50 s"), (61e9, "61.0 s"), (3.6e12, "3 600 s"), (-1500, "-1.50 µs"),
        ])
    func aDurationHasThreeDigitsAndTheUnitThatFits(nanoseconds: Double, text: String) {
        #expect(Quantity.duration.text(nanoseconds) == text)
    }

    @Test(
        "A large count is shown as a whole number",
        arguments: [
            (0, "0"), (12, "12"), (12.345, "12.3"), (0.5, "0.5"), (0.012345, "0.0123"), (999.96, "1 000"),
            (1234.5, "1 235"),
            (1_234_567, "1 234 567"), (-1234, "-1 234"), (1.234e18, "1.23e18"), (9.999e20, "1e21"), (2e-9, "2e-9"),
            (1e308, "1e308"), (.leastNonzeroMagnitude, "4.94e-324"),
        ])
    func aCountIsWholeWhereItIsLarge(value: Double, text: String) {
        #expect(Quantity.count.text(value) == text)
    }

    @Test(
        "A ratio keeps trailing zeros",
        arguments: [
            (0.0573, "0.0573×"), (0.5, "0.500×"), (0.9996, "1.00×"), (1, "1.00×"), (2.314, "2.31×"), (12.34, "12.3×"),
            (123.4, "123×"), (1234, "1 234×"),
        ])
    func aRatioKeepsItsZeros(value: Double, text: String) {
        #expect(Quantity.ratio.text(value) == text)
    }

    @Test("A share is a percentage")
    func aShareIsAPercentage() {
        #expect(Quantity.share.text(0.617) == "62 %")
        #expect(Quantity.share.text(2) == "200 %")
    }

    @Test("An integer is shown in full")
    func aWholeNumberIsShownInFull() {
        #expect(Quantity.count.text(Int.max) == "9 223 372 036 854 775 807")
        #expect(Quantity.count.text(Int.min) == "-9 223 372 036 854 775 808")
    }

    @Test(
        "A tick is short",
        arguments: [
            (0, "0"), (0.5, "0.5"), (5, "5"), (500, "500"), (20_000, "20 k"), (1_500_000, "1.5 M"), (2e9, "2 G"),
            (5e12, "5 T"),
        ])
    func aTickIsShort(value: Double, text: String) {
        #expect(Quantity.count.tick(value) == text)
    }

    @Test("A tick of a duration is short")
    func aTickOfADurationIsShort() {
        #expect(
            [200, 1000, 50_000, 2e6, 1e10].map(Quantity.duration.tick) == ["200 ns", "1 µs", "50 µs", "2 ms", "10 s"])
    }

    @Test("A missing number is a hyphen", arguments: [Quantity.count, .duration, .ratio, .share])
    func whatIsNoNumberIsAHyphen(quantity: Quantity) {
        #expect([Double.nan, .infinity, -.infinity].map { quantity.text($0) } == ["-", "-", "-"])
        #expect(quantity.tick(.nan) == "-")
        #expect(quantity.text(nil as Double?) == "-")
        #expect(quantity.text(nil as Int?) == "-")
    }

    @Test("A range names a shared unit once")
    func aRangeNamesAUnitOnceIfItIsTheSame() {
        #expect(Quantity.duration.range(from: 3_900_000, to: 5_050_000, separator: " .. ") == "3.90 .. 5.05 ms")
        #expect(Quantity.duration.range(from: 900, to: 1100, separator: " .. ") == "900 ns .. 1.10 µs")
        #expect(Quantity.ratio.range(from: 1, to: 2, separator: " .. ") == "1.00 .. 2.00×")
        #expect(Quantity.count.range(from: 1000, to: 2000, separator: " .. ") == "1 000 .. 2 000")
    }

    @Test("A time is shown in UTC")
    func aTimeIsShownInUTC() {
        #expect(String(utcSeconds: 0) == "1970-01-01 00:00:00 UTC")
        #expect(String(utcSeconds: 1_709_251_199.9) == "2024-02-29 23:59:59 UTC")
        #expect(String(utcSeconds: .nan) == nil)
        #expect(String(utcSeconds: -1) == nil)
        #expect(String(utcSeconds: 1e300) == nil)
    }
}
