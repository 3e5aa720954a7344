import ArgumentParser
import Foundation
import Testing

@testable import sluice_load

@Suite("Comparison with an earlier report")
struct BaselineTests {
    private func run(_ change: (inout RunResult) -> Void) -> RunResult {
        var run = Sample.run
        run.errors = 0
        change(&run)
        return run
    }

    private func comparison(_ now: RunResult, _ earlier: RunResult) -> BaselineComparison {
        BaselineComparison(of: Sample.report([now]), with: Sample.report([earlier]))
    }

    private func report(_ now: RunResult, _ earlier: RunResult) -> LoadReport {
        var report = Sample.report([now])
        report.baseline = comparison(now, earlier)
        report.versions = ["sluice-load 1", "Sluice 2"]
        return report
    }

    @Test("A run is better, worse or the same by its rate, its latency, its server's time and its errors")
    func verdicts() {
        let earlier = run { _ in }
        func verdict(_ change: (inout RunResult) -> Void) -> BaselineRow.Verdict? {
            comparison(run(change), earlier).rows.first?.verdict
        }
        #expect(verdict { _ in } == .same)
        #expect(verdict { $0.operations = 20_800 } == .same)
        #expect(verdict { $0.operations = 22_000 } == .better)
        #expect(verdict { $0.operations = 18_000 } == .worse)
        #expect(verdict { $0.errors = 1 } == .worse)
        #expect(verdict { $0.serverSeconds = 0.06 } == .worse)
        #expect(verdict { $0.latency?.percentiles[2].nanoseconds = 6_000_000 } == .worse)
        #expect(verdict { $0.latency?.percentiles[2].nanoseconds = 3_000_000 } == .better)
    }

    @Test("Only runs with the same workload, server and settings are compared, by their medians")
    func pairs() throws {
        let fast = run { $0.operations = 40_000 }
        let slow = run { $0.operations = 10_000 }
        let other = run { $0.settings[0].value = "51" }
        let both = BaselineComparison(
            of: Sample.report([fast, run { _ in }, slow, other]), with: Sample.report([run { _ in }]))
        #expect(both.rows.count == 1 && both.rows.first?.rate.ratio == 1)
        #expect(both.unmatched == ["handoff on sluiced"] && both.isSameMachine)
        let none = BaselineComparison(of: Sample.report([other]), with: Sample.report([fast]))
        #expect(none.rows.isEmpty && none.summary == "the earlier report has none of these runs")
    }

    @Test("The page begins with a verdict, the versions and the contents, and has the table")
    func page() {
        let page = HTMLReport(report(run { $0.operations = 10_000 }, run { _ in })).text
        for text in [
            "Worse than before.", "sluice-load 1, Sluice 2", "href=\"#baseline\"", "id=\"baseline\"", "id=\"run-1\"",
            "Against the run of", "0.500×",
        ] { #expect(page.contains(text), "\(text)") }
        #expect(HTMLReport(report(run { _ in }, run { _ in })).text.contains("No errors, and the same as before."))
        #expect(HTMLReport(Sample.report([Sample.run])).text.contains("Operations failed."))
        #expect(HTMLReport(Sample.report([])).text.contains("Nothing was measured."))
    }

    @Test("The text names the verdict")
    func text() {
        let text = TextReport(report(run { $0.operations = 10_000 }, run { _ in })).text
        #expect(text.contains("against the run of 1970-01-02 00:00:00 UTC: worse"), "\(text)")
    }

    @Test("A file of an older version can be the baseline, and anything else is refused before the run")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-baseline-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "old.json")
        try JSONEncoder().encode(Sample.report([Sample.run])).write(to: file)
        var options = try OutputOptions.parse(["--baseline", file.path])
        #expect(try options.readBaseline()?.runs.count == 1)
        try Data("{}".utf8).write(to: file)
        #expect(throws: LoadFailure.self) { try options.readBaseline() }
        options.baseline = file.path + ".missing"
        #expect(throws: LoadFailure.self) { try options.readBaseline() }
        options.baseline = nil
        #expect(try options.readBaseline() == nil)
    }
}
