import ArgumentParser
import Foundation

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "The same load for Sluice, Redis, NATS and beanstalkd, in interleaved rounds.",
        discussion: """
            Starts the servers that are installed, each on a free port of the loopback interface and with nothing kept on \
            disk, and ends them. What is not installed is left out, and named.
            """)

    @Option(help: ArgumentHelp("How often each is measured.", valueName: "N"))
    var rounds = 5

    @Option(help: ArgumentHelp("How long each round measures.", valueName: "TIME"))
    var duration = Seconds(2)

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Only these: \(ComparedRow.all.map(\.key).joined(separator: ", ")).", valueName: "ROW"))
    var only: [String] = []

    @Option(
        help: ArgumentHelp(
            "The sluiced to measure; if left out, the one beside this program, or else that of PATH.", valueName: "FILE"
        ))
    var sluiced: String?

    @Flag(help: "End with status 1 if a target is missed.")
    var strict = false

    @OptionGroup(title: "Output") var output: OutputOptions

    func validate() throws {
        guard rounds >= 1 else { throw ValidationError("--rounds is at least 1") }
        guard duration.value > 0 else { throw ValidationError("--duration is more than 0") }
        if let unknown = only.first(where: { name in !ComparedRow.all.contains { $0.key == name } }) {
            throw ValidationError("--only: there is no row '\(unknown)'")
        }
    }

    func run() throws {
        Offspring.shared.guardAgainstSignals()
        let startedAt = Date().timeIntervalSince1970
        let progress = ProgressLine(isQuiet: output.quiet)
        DescriptorLimit.raise()
        let tournament = Tournament(
            sluiced: sluiced ?? Self.ownSluiced, rounds: rounds, seconds: duration.value, progress: progress)
        defer { tournament.end() }
        var comparison = Comparison(
            rounds: rounds, contenders: tournament.contenders, missing: tournament.missing, rows: [])
        var runs: [RunResult] = []
        do {
            defer { progress.end() }
            for row in ComparedRow.all where only.isEmpty || only.contains(row.key) {
                guard let (row, medians) = try tournament.play(row) else { continue }
                comparison.rows.append(row)
                runs += medians
            }
        }
        let report = LoadReport(
            command: CommandLine.arguments, startedAt: startedAt, machine: .here, runs: runs, comparison: comparison)
        try ReportWriter(options: output).write(report)
        if strict, let missed = comparison.rows.first(where: { !$0.isReached }) {
            throw LoadFailure("a target is missed: \(missed.title)")
        }
    }

    /// The one that was built or installed with this program, or else that of PATH.
    private static var ownSluiced: String? {
        let beside = Bundle.main.executableURL?.deletingLastPathComponent().appendingPathComponent("sluiced").path
        if let beside, FileManager.default.isExecutableFile(atPath: beside) { return beside }
        return PeerProcess.path(of: "sluiced")
    }
}
