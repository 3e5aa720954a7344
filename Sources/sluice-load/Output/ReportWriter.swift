import Foundation

/// Brings a report to where its reader wants it.
struct ReportWriter {
    let options: OutputOptions

    /// Writes what `measure` has measured.
    func measuring(_ measure: (ProgressLine) throws(LoadFailure) -> [RunResult]) throws(LoadFailure) {
        let progress = ProgressLine(isQuiet: options.quiet)
        let startedAt = Date().timeIntervalSince1970
        let runs: [RunResult]
        do {
            defer { progress.end() }
            runs = try measure(progress)
        }
        try write(
            LoadReport(
                command: CommandLine.arguments, startedAt: startedAt, machine: .here, runs: runs, comparison: nil))
    }

    func write(_ report: LoadReport) throws(LoadFailure) {
        if let path = options.json { try put(try Self.json(report), into: path) }
        if options.json != "-", options.csv != "-" { print(Self.summary(report)) }
    }

    private static func json(_ report: LoadReport) throws(LoadFailure) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let data = try? encoder.encode(report) else { throw LoadFailure("a figure is no number") }
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    private static func summary(_ report: LoadReport) -> String {
        let missing = report.comparison?.missing.map { "left out: \($0.key), \($0.reason)" } ?? []
        let lines =
            report.comparison.map { $0.rows.flatMap { Self.table($0) } }
            ?? report.runs.map { run in
                "\(run.workload), \(run.target): \(Int(run.rate)) \(run.unit)/s, p50 "
                    + "\(run.latency?.nanoseconds(at: 50) ?? 0) ns, p99 \(run.latency?.nanoseconds(at: 99) ?? 0) ns"
                    + run.extras.map { ", \($0.name) \(Int($0.value)) \($0.unit)" }.joined()
            }
        return (missing + lines).joined(separator: "\n")
    }

    /// A row's medians, and what the first one is in terms of each.
    private static func table(_ row: ComparisonRow) -> [String] {
        let first = (row.entries.first?.values ?? []).median
        return [row.title]
            + row.entries.map { entry in
                let own = entry.values.median
                let server = entry.serverNanoseconds.median
                return "  \(entry.contender), \(entry.manner): \(Int(own)) \(row.unit), ratio "
                    + String(
                        format: "%.2f, p99 %.0f us, server %.0f ns", first / own,
                        entry.p99Nanoseconds.map(Double.init).median / 1000, server)
            }
    }

    private func put(_ text: String, into path: String) throws(LoadFailure) {
        if path == "-" { return print(text, terminator: "") }
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw LoadFailure("cannot write \(path): \(error.localizedDescription)")
        }
    }
}
