import SluiceWire
import Testing

@Suite struct ReadableTests {
    @Test(
        "Durations are formatted for people",
        arguments: [
            (0, "0 ms"), (0.0004, "0 ms"), (0.001, "1 ms"), (0.85, "850 ms"), (0.999, "999 ms"), (0.9999, "1 s"),
            (1, "1 s"), (1.05, "1 s"), (9.99, "9.9 s"), (12, "12 s"), (12.3, "12.3 s"), (59.95, "59.9 s"),
            (60, "1 m 00 s"), (65.9, "1 m 05 s"), (250, "4 m 10 s"), (3599.9, "59 m 59 s"),
            (3600, "1 h 00 m"), (11_159, "3 h 05 m"), (86_399, "23 h 59 m"),
            (86_400, "1 d 0 h"), (187_200, "2 d 4 h"), (100 * 365 * 86_400, "36500 d 0 h"),
        ] as [(Double, String)])
    func durationsAreAsPeopleSayThem(_ seconds: Double, _ text: String) {
        #expect(String(readableSeconds: seconds) == text)
    }

    @Test("A negative duration or NaN is shown as zero", arguments: [-1, -Double.infinity, .nan, -0.0])
    func noDurationIsNegative(_ seconds: Double) {
        #expect(String(readableSeconds: seconds) == "0 ms")
    }

    @Test("An infinite duration is cut", arguments: [.infinity, Double.greatestFiniteMagnitude, 1e12])
    func endlessDurationsAreVeryLong(_ seconds: Double) {
        #expect(String(readableSeconds: seconds) == "11574074 d 1 h")
    }

    @Test(
        "Bytes are shown in their largest unit",
        arguments: [
            (0, "0 B"), (5, "5 B"), (1023, "1023 B"), (1024, "1 KiB"), (1229, "1.2 KiB"), (65_536, "64 KiB"),
            (1_048_575, "1023.9 KiB"), (1_048_576, "1 MiB"), (3_565_158, "3.3 MiB"), (3_565_159, "3.4 MiB"),
            (1 << 30, "1 GiB"), (1 << 40, "1 TiB"), (1 << 50, "1 PiB"), (Int.max, "8191.9 PiB"),
        ])
    func bytesAreInTheirLargestUnit(_ bytes: Int, _ text: String) {
        #expect(String(readableBytes: bytes) == text)
    }

    @Test(
        "Digits are grouped in threes",
        arguments: [
            (0, "0"), (12, "12"), (999, "999"), (1000, "1 000"), (12_345, "12 345"), (100_000, "100 000"),
            (1_234_567, "1 234 567"), (-1000, "-1 000"), (-999, "-999"),
            (Int.max, "9 223 372 036 854 775 807"), (Int.min, "-9 223 372 036 854 775 808"),
        ])
    func digitsStandInThrees(_ number: Int, _ text: String) {
        #expect(String(readable: number) == text)
    }
}
