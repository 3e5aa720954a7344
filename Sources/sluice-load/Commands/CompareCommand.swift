import ArgumentParser
import Foundation

struct CompareServers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "The same load for Sluice, Redis, NATS and beanstalkd, in interleaved rounds.",
        discussion: """
            Starts the servers that are installed, each on a free port of the loopback interface and without storage on \
            disk, and ends them. Servers that are not installed are left out, and named in the report.
            """)

    @Option(help: ArgumentHelp("How many rounds to measure.", valueName: "N"))
    var rounds = 5

    @Option(help: ArgumentHelp("How long to measure in each round.", valueName: "TIME"))
    var duration = Seconds(2)

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Measure only these rows: \(RowDefinition.all.map(\.key).joined(separator: ", ")).", valueName: "ROW"))
    var only: [String] = []

    @Option(
        help: ArgumentHelp(
            "The sluiced to measure; by default the one beside this program, or else the one in PATH.",
            valueName: "FILE"))
    var sluiced: String?

    @Flag(help: "Exit with status 1 if a target is missed.")
    var strict = false

    @OptionGroup(title: "Output") var output: OutputOptions

    func validate() throws {
        guard rounds >= 1 else { throw ValidationError("--rounds must be at least 1") }
        guard duration.value > 0 else { throw ValidationError("--duration must be more than 0") }
        if let unknown = only.first(where: { name in !RowDefinition.all.contains { $0.key == name } }) {
            throw ValidationError("--only: there is no row '\(unknown)'")
        }
    }

    func run() throws {
        ChildProcesses.shared.guardAgainstSignals()
        let baseline = try output.readBaseline()
        let startedAt = Date().timeIntervalSince1970
        let progress = ProgressLine(isQuiet: output.quiet)
        OpenFileLimit.raise()
        let runner = ComparisonRunner(
            sluiced: sluiced ?? Self.defaultSluiced, rounds: rounds, seconds: duration.value, progress: progress)
        defer { runner.end() }
        var comparison = Comparison(
            rounds: rounds, contenders: runner.contenders, missing: runner.missing, rows: [])
        var runs: [RunResult] = []
        do {
            defer { progress.end() }
            for row in RowDefinition.all where only.isEmpty || only.contains(row.key) {
                guard let (result, medians) = try runner.measure(row) else { continue }
                comparison.rows.append(result)
                runs += medians
            }
        }
        let report = LoadReport(
            command: CommandLine.arguments, startedAt: startedAt, machine: .here, runs: runs, comparison: comparison)
        try ReportWriter(options: output).write(report, servers: comparison.contenders.map(\.title), against: baseline)
        if strict, let missed = comparison.rows.first(where: { !$0.isReached }) {
            throw LoadFailure("a target is missed: \(missed.title)")
        }
    }

    /// The sluiced that was built or installed with this program, or else the one in PATH.
    private static var defaultSluiced: String? {
        let beside = Bundle.main.executableURL?.deletingLastPathComponent().appendingPathComponent("sluiced").path
        if let beside, FileManager.default.isExecutableFile(atPath: beside) { return beside }
        return StartedServer.path(of: "sluiced")
    }
}
