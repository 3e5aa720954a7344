import ArgumentParser
import Glibc

/// A command that runs one workload against one server.
protocol WorkloadCommand: ParsableCommand {
    static var workload: Workload { get }
    var common: CommonOptions { get }
    /// Who takes part.
    func cast(_ plan: inout Plan)
}

extension WorkloadCommand {
    func run() throws {
        DescriptorLimit.raise()
        let plan = try plan()
        try ReportWriter(options: common.output).measuring { progress throws(LoadFailure) in
            progress.begin(Self.workload.rawValue)
            return [try Run.carryOut(plan) { progress.show($0) }]
        }
    }

    /// What the command line asks for.
    func plan() throws(LoadFailure) -> Plan {
        let place = try common.server.place()
        var plan = Plan(
            workload: Self.workload, contestant: common.server.against, address: place.address,
            credentials: place.credentials)
        plan.depth = common.load.depth ?? 1
        plan.bodyBytes = common.load.body ?? 16
        plan.rate = common.load.rate
        plan.length = common.load.length
        plan.seed = common.load.seed
        plan.patienceSeconds = common.load.patience.value
        plan.serverPID = common.server.serverPID ?? ServerProcess.listening(at: place.address)?.pid
        plan.prefix = "load/\(getpid())"
        cast(&plan)
        plan.threads = min(common.load.threads, max(plan.senders, plan.receivers))
        return plan
    }

    /// Refuses what the server, or the workload, cannot do.
    func validate() throws {
        let contestant = common.server.against
        guard contestant.manner(Self.workload) != nil else {
            throw ValidationError("\(contestant.rawValue) has nothing like \(Self.workload.rawValue)")
        }
        let waitsForOthers = Self.workload == .barrier || Self.workload == .connect
        guard !waitsForOthers || (common.load.rate == nil && common.load.depth == nil) else {
            throw ValidationError("\(Self.workload.rawValue) goes without --rate and --depth")
        }
    }
}
