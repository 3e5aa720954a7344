import SluiceWire
import Testing

@testable import sluice_load

@Suite("Text report")
struct TextReportTests {
    @Test("A run is a table of figures")
    func aRunIsATableOfFigures() {
        #expect(
            TextReport(Sample.report([Sample.run])).text == """
                sluice-load handoff
                1970-01-02 00:00:00 UTC, Z80, 1 core, CP/M 2.2

                handoff on sluiced
                pairs 50, threads 1

                rate         10 000  handoffs/s
                operations   20 000  in 2 s
                errors            3
                server CPU  2.50 µs  an operation
                generator      50 %  busy
                memory        2 312  bytes a connection

                            mean      p50      p90      p99    p99.9      max
                latency  1.25 ms  1.10 ms  2.00 ms  4.56 ms  12.3 ms  25.0 ms

                """)
    }

    @Test("A comparison ends with its targets")
    func aComparisonEndsInItsTargets() {
        #expect(
            TextReport(Sample.report(Sample.comparison)).text == """
                sluice-load compare
                1970-01-02 00:00:00 UTC, Z80, 1 core, CP/M 2.2

                handoff, 50 pairs: handoffs/s, more is better
                             median          min .. max     p99  server/op  ratio     min .. max
                  Sluice 1  410 000  400 000 .. 420 000  310 µs    1.71 µs
                    SEND and RECV
                  Peer 2    102 500  100 000 .. 120 000  900 µs    5.10 µs  4.00×  3.50 .. 4.00×
                    LPUSH, BLPOP, and a reply list

                idle: bytes a connection, less is better
                            median      min .. max      ratio     min .. max
                  Sluice 1   3 000  3 000 .. 3 000
                  Peer 2     2 000  2 000 .. 2 000      1.50×  1.50 .. 1.50×

                left out
                  other: is not installed

                target            ratio     min .. max  wanted
                handoff, 50 pairs
                  Peer 2  met     4.00×  3.50 .. 4.00×  at least 2×, and a lower p99  p99 lower (0.348×)
                idle
                  Peer 2  missed  1.50×  1.50 .. 1.50×  at most 0.5×

                1 of 2 targets met. Ratios are ours to theirs, the median of 3 rounds.

                """)
    }

    @Test("Colours add no information")
    func withoutColoursNothingIsLost() {
        for report in [Sample.report([Sample.run]), Sample.report(Sample.comparison)] {
            let coloured = TextReport(report, isColoured: true).text
            #expect(coloured.contains("\u{1B}["))
            #expect(coloured.replacing(/\u{1B}\[\d*m/, with: "") == TextReport(report).text)
        }
    }

    @Test("No line ends in a space or is too wide")
    func noLineEndsInASpaceOrIsTooWide() {
        for report in [Sample.report([Sample.run]), Sample.report(Sample.comparison)] {
            for line in TextReport(report, width: 100).text.split(separator: "\n") {
                #expect(!line.hasSuffix(" "))
                #expect(line.count <= 100)
            }
        }
    }

    @Test("Columns are aligned")
    func columnsAreAligned() throws {
        var table = TextTable([.left, .right, .left])
        table.append([.init("a"), .init("1 µs"), .init("x")])
        table.append(note: .init("a note that is wider than the table"))
        table.append([.init("longer", .strong), .init("2.00×"), .init(nil)])
        #expect(
            table.lines(width: 80, isColoured: false) == [
                "a        1 µs  x", "a note that is wider than the table", "longer  2.00×  -",
            ])
        #expect(table.lines(width: 80, isColoured: true).last == "\u{1B}[1mlonger\u{1B}[0m  2.00×  -")
    }

    @Test("A narrow table truncates its first column")
    func theFirstColumnGivesWay() {
        var table = TextTable([.left, .right])
        table.append([.init("a name that goes on and on"), .init("123 456")])
        #expect(table.lines(width: 20, isColoured: false) == ["a name tha…  123 456"])
        #expect(table.lines(width: 1, isColoured: false) == ["a name …  123 456"])
    }

    @Test("A busy generator causes a warning")
    func aBusyGeneratorIsWarnedOf() {
        var run = Sample.run
        run.generatorSeconds = 1.9
        #expect(
            TextReport(Sample.report([run])).text.contains(
                "warning: the generator was 95 % busy: it was the limit, not the server\n"))
        run.settings[1].value = "4"
        #expect(!TextReport(Sample.report([run])).text.contains("warning"))
    }

    @Test("A comparison has one warning for each workload")
    func warningsOfAComparisonAreOneForEachWorkload() {
        var report = Sample.report(Sample.comparison)
        var run = Sample.run
        run.generatorSeconds = 1.9
        report.runs = [run, run, Sample.run]
        #expect(
            TextReport(report).text.hasSuffix(
                "\n\nwarning: handoff on sluiced: the generator was the limit in 2 runs, up to 95 % busy\n"))
    }

    @Test("Control characters in names are replaced")
    func namesDoNotSteerTheTerminal() {
        var run = Sample.run
        run.target = "a\u{1B}[2Jb\u{202E}c\nd"
        #expect(TextReport(Sample.report([run])).text.contains("handoff on a?[2Jb?c?d\n"))
    }

    @Test("Figures that were not measured are left out")
    func whatWasNotMeasuredIsNotShown() {
        var run = Sample.run
        run.latency = nil
        run.serverSeconds = nil
        run.operations = 0
        run.seconds = 0
        let text = TextReport(Sample.report([run])).text
        #expect(!text.contains("latency") && !text.contains("server") && !text.contains("nan"))
        #expect(text.contains("rate            0  handoffs/s\n"))
    }

    @Test("A single round has no range")
    func oneRoundHasNoRange() {
        let row = ComparisonRow(
            title: "idle", unit: "bytes", isHigherBetter: false,
            entries: [Sample.entry("us", [3]), Sample.entry("them", [])],
            wanted: [WantedRatio(against: 1, ratio: 1, needsLowerP99: false)])
        let text = TextReport(Sample.report(Sample.comparison([row], rounds: 1))).text
        #expect(text.contains("  Sluice 1       3\n  Peer 2         -\n"))
        #expect(text.contains("0 of 1 target met, 1 not measured. Ratios are ours to theirs, in one round.\n"))
    }

    @Test("A target names the manner when a contender has several")
    func aTargetSaysWhichMannerWhereThereAreSeveral() {
        var comparison = Sample.comparison
        comparison.rows[0].entries.append(Sample.entry("them", [200_000], manner: "XADD and XREAD"))
        comparison.rows[0].wanted[0] = WantedRatio(against: 2, ratio: 2, needsLowerP99: false)
        let text = TextReport(Sample.report(comparison)).text
        #expect(text.contains("  Peer 2  met     2.00×                 at least 2×\n    XADD and XREAD\n"))
    }
}
