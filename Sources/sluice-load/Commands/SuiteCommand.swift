import ArgumentParser
import Foundation

struct SuiteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suite", abstract: "Every workload in turn, in one report: the load test of an installed server.")

    /// As they are called on the command line, with what is not the default.
    private static let parts = [
        ["ping"], ["handoff"], ["handoff", "--channels", "shared"], ["lease"], ["stream"], ["select"], ["fan-in"],
        ["fan-out"], ["broadcast"], ["barrier"], ["connect"],
    ]

    @Option(help: ArgumentHelp("How long to measure each.", valueName: "TIME"))
    var duration = Seconds(3)
    @Option(help: ArgumentHelp("So many operations of each, in place of a duration.", valueName: "N"))
    var operations: Int?
    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Output") var output: OutputOptions

    func validate() throws {
        guard duration.value > 0 else { throw ValidationError("--duration is more than 0") }
        guard operations ?? 1 > 0 else { throw ValidationError("--operations is at least 1") }
        guard server.against == .sluice else { throw ValidationError("only Sluice has every workload") }
    }

    func run() throws {
        DescriptorLimit.raise()
        let plans = try Self.parts.map { part in
            guard let command = try Root.parsing(part + shared) as? any WorkloadCommand else {
                throw LoadFailure("\(part) is no workload")
            }
            return try command.plan()
        }
        try ReportWriter(options: output).measuring { progress throws(LoadFailure) in
            var results: [RunResult] = []
            for plan in plans {
                progress.begin(plan.workload.rawValue)
                var plan = plan
                plan.prefix += "/\(results.count)"
                results.append(try Run.carryOut(plan) { progress.show($0) })
            }
            return results
        }
    }

    /// What each part is told of what this command was told.
    private var shared: [String] {
        var words = operations.map { ["--operations", "\($0)"] } ?? ["--duration", "\(duration.value)"]
        if let address = server.address { words += ["--hub", address] }
        if let pid = server.serverPID { words += ["--server-pid", "\(pid)"] }
        return words
    }
}
