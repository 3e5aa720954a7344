import BuildVersion
import Foundation
import SluiceRuntime
import Synchronization

/// Writes a report to the files that the options name, and to standard output.
struct ReportWriter {
    let options: OutputOptions

    /// Calls `measure`, and writes a report of its results.
    ///
    /// - Parameter servers: the measured servers, with their versions as far as they are known.
    func measureAndWrite(
        servers: [String] = [], _ measure: (ProgressLine) throws(LoadFailure) -> [RunResult]
    ) throws(LoadFailure) {
        let baseline = try options.readBaseline()
        let progress = ProgressLine(isQuiet: options.quiet)
        let startedAt = Date().timeIntervalSince1970
        let runs: [RunResult]
        do {
            defer { progress.end() }
            runs = try measure(progress)
        }
        try write(
            LoadReport(
                command: CommandLine.arguments, startedAt: startedAt, machine: .here, runs: runs, comparison: nil),
            servers: servers, against: baseline)
    }

    /// - Parameters:
    ///   - servers: the measured servers, with their versions as far as they are known.
    ///   - baseline: the earlier report to compare with; nil for none.
    func write(
        _ report: LoadReport, servers: [String], against baseline: LoadReport?
    ) throws(LoadFailure) {
        var report = report
        report.versions = ["sluice-load \(buildVersion())"] + servers
        report.baseline = baseline.map { BaselineComparison(of: report, with: $0) }
        if let path = options.json { try write(try Self.json(report), toFile: path) }
        if let path = options.csv { try write(CSVReport(report).text, toFile: path) }
        if let path = options.report { try write(HTMLReport(report).text, toFile: path) }
        if options.json == "-" || options.csv == "-" { return }
        let isTerminal = isatty(STDOUT_FILENO) == 1
        print(TextReport(report, isColoured: isTerminal).text, terminator: "")
    }

    private static func json(_ report: LoadReport) throws(LoadFailure) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let data = try? encoder.encode(report) else {
            throw LoadFailure("cannot encode the report: a figure is not a finite number")
        }
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    private func write(_ text: String, toFile path: String) throws(LoadFailure) {
        if path == "-" { return print(text, terminator: "") }
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw LoadFailure("cannot write \(path): \(error.localizedDescription)")
        }
    }
}

/// One line on a terminal that shows the progress of a run.
final class ProgressLine: Sendable {
    private let isShown: Bool
    private let title: Lock<String>

    init(isQuiet: Bool) {
        isShown = !isQuiet && isatty(STDERR_FILENO) == 1
        title = Lock("")
    }

    func begin(_ title: String) {
        self.title.withLock { $0 = title }
        display("\(title) ...")
    }

    func show(_ interval: Interval) {
        let rate = interval.seconds > 0 ? Double(interval.operations) / interval.seconds : 0
        display(
            String(
                format: "%@  %4.0f s  %9.0f/s  p50 %@  p99 %@  errors %d", title.withLock { $0 }, interval.end, rate,
                Self.microseconds(interval.p50Nanoseconds), Self.microseconds(interval.p99Nanoseconds), interval.errors)
        )
    }

    /// Clears the line.
    func end() { display("") }

    private static func microseconds(_ nanoseconds: Int?) -> String {
        nanoseconds.map { String(format: "%.0f us", Double($0) / 1000) } ?? "-"
    }

    private func display(_ text: String) {
        guard isShown else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
    }
}
