/// A report as CSV (RFC 4180), with a line for each value of a comparison, or else for each run. Times are in
/// nanoseconds, and a value that was not measured is empty.
struct CSVReport: Sendable {
    private let report: LoadReport

    init(_ report: LoadReport) { self.report = report }

    /// A heading and the records; each line ends in CR and LF.
    var text: String {
        let records = report.comparison.map(Self.records(of:)) ?? Self.records(of: report.runs)
        return records.map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()
    }

    private static func records(of comparison: Comparison) -> [[String]] {
        var records = [["row", "contender", "manner", "round", "value", "unit", "p99_ns", "server_ns"]]
        for row in comparison.rows {
            for entry in row.entries {
                for (round, value) in entry.values.enumerated() {
                    records.append([
                        row.title, entry.contender, entry.manner, "\(round + 1)", number(value), row.unit,
                        round < entry.p99Nanoseconds.count ? "\(entry.p99Nanoseconds[round])" : "",
                        round < entry.serverNanoseconds.count ? number(entry.serverNanoseconds[round]) : "",
                    ])
                }
            }
        }
        return records
    }

    private static func records(of runs: [RunResult]) -> [[String]] {
        let percentiles = Latency.shown.map { percent in
            "p\(number(percent))_ns"
        }
        let head = ["workload", "target", "settings", "unit", "seconds", "operations", "errors", "rate", "mean_ns"]
        var records = [head + percentiles + ["max_ns", "server_ns", "generator_seconds"]]
        for run in runs {
            let settings = run.settings.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
            var record = [run.workload, run.target, settings, run.unit, number(run.seconds)]
            record += ["\(run.operations)", "\(run.errors)", number(run.rate)]
            record.append(number(run.latency?.meanNanoseconds))
            record += Latency.shown.map { run.latency?.nanoseconds(at: $0).map { "\($0)" } ?? "" }
            record.append(run.latency.map { "\($0.mostNanoseconds)" } ?? "")
            record += [number(run.serverNanoseconds), number(run.generatorSeconds)]
            records.append(record)
        }
        return records
    }

    private static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "" }
        return Int(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    /// Quotes a field where RFC 4180 demands it.
    private static func quoted(_ field: String) -> String {
        // Compares scalars, since CR LF is one character.
        guard field.unicodeScalars.contains(where: { "\",\r\n".unicodeScalars.contains($0) }) else { return field }
        return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
