import ArgumentParser
import Foundation
import ProgramOptions

struct MeasureSuite: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suite", abstract: "Every workload in turn, in one report: the load test of an installed server.")

    /// The workloads' command lines.
    private static let workloads = [
        ["ping"], ["handoff"], ["handoff", "--channels", "shared"], ["worker"], ["lease"], ["call"], ["stream"],
        ["select"],
        ["fan-in"], ["fan-out"], ["broadcast"], ["barrier"], ["connect"],
    ]

    @Option(help: ArgumentHelp("How long to measure each workload.", valueName: "TIME"))
    var duration = Seconds(3)
    @Option(help: ArgumentHelp("Run this many operations of each workload instead of a duration.", valueName: "N"))
    var operations: Int?
    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Output") var output: OutputOptions

    func validate() throws {
        guard duration.value > 0 else { throw ValidationError("--duration must be more than 0") }
        guard operations ?? 1 > 0 else { throw ValidationError("--operations must be at least 1") }
        guard server.against == .sluice else { throw ValidationError("suite supports only sluice") }
    }

    func run() throws {
        OpenFileLimit.raise()
        let plans = try Self.workloads.map { arguments in
            guard let command = try SluiceLoadCommand.parsing(arguments + sharedArguments) as? any WorkloadCommand
            else {
                throw LoadFailure("'\(arguments.joined(separator: " "))' is not a workload")
            }
            return try command.plan()
        }
        try ReportWriter(options: output).measureAndWrite(servers: plans.first?.servers ?? []) {
            progress throws(LoadFailure) in
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

    /// The arguments that every workload gets.
    private var sharedArguments: [String] {
        var arguments = operations.map { ["--operations", "\($0)"] } ?? ["--duration", "\(duration.value)"]
        if let address = server.address { arguments += ["--hub", address] }
        if let pid = server.serverPID { arguments += ["--server-pid", "\(pid)"] }
        return arguments + server.tls.arguments
    }
}
