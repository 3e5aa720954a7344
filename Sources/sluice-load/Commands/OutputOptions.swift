import ArgumentParser
import Foundation

/// Where to write the results.
struct OutputOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Write all results as JSON; - is standard output.", valueName: "FILE"))
    var json: String?

    @Option(help: ArgumentHelp("Write the figures as CSV; - is standard output.", valueName: "FILE"))
    var csv: String?

    @Option(help: ArgumentHelp("Write a self-contained HTML page with plots.", valueName: "FILE"))
    var report: String?

    @Option(
        help: ArgumentHelp(
            "Compare with an earlier run of the same command: a file that --json has written.", valueName: "FILE"))
    var baseline: String?

    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false

    /// Reads the report to compare with; nil without one.
    func readBaseline() throws(LoadFailure) -> LoadReport? {
        guard let baseline else { return nil }
        guard let data = FileManager.default.contents(atPath: baseline) else {
            throw LoadFailure("cannot read \(baseline): pass a file that --json has written")
        }
        guard let report = try? JSONDecoder().decode(LoadReport.self, from: data) else {
            throw LoadFailure("\(baseline) is not a report: pass a file that --json has written")
        }
        return report
    }

    func validate() throws {
        if json == "-", csv == "-" {
            throw ValidationError("only one of --json and --csv can be standard output")
        }
    }
}
