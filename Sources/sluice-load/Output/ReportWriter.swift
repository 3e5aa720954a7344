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
        if let path = options.csv { try put(CSVReport(report).text, into: path) }
        if let path = options.report { try put(HTMLReport(report).text, into: path) }
        if options.json == "-" || options.csv == "-" { return }
        let isTerminal = isatty(STDOUT_FILENO) == 1
        print(TextReport(report, isColoured: isTerminal).text, terminator: "")
    }

    private static func json(_ report: LoadReport) throws(LoadFailure) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let data = try? encoder.encode(report) else { throw LoadFailure("a figure is no number") }
        return String(decoding: data, as: UTF8.self) + "\n"
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
