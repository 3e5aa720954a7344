import ArgumentParser
import Glibc

/// A command that runs one workload against one server.
protocol WorkloadCommand: ParsableCommand {
    static var workload: Workload { get }
    var common: CommonOptions { get }
    /// Sets how many senders, receivers and channels take part.
    func populate(_ plan: inout RunPlan)
}

extension WorkloadCommand {
    func run() throws {
        OpenFileLimit.raise()
        let plan = try plan()
        try ReportWriter(options: common.output).measureAndWrite(servers: plan.servers) {
            progress throws(LoadFailure) in
            progress.begin(Self.workload.rawValue)
            return [try Run.carryOut(plan) { progress.show($0) }]
        }
    }

    /// Returns the plan that the command line asks for.
    func plan() throws(LoadFailure) -> RunPlan {
        var plan = try common.plan(Self.workload)
        plan.depth = common.load.depth ?? 1
        plan.bodyBytes = common.load.body ?? 16
        plan.rate = common.load.rate
        populate(&plan)
        plan.threads = min(common.load.threads, max(plan.senders, plan.receivers))
        return plan
    }

    /// Rejects what the server or the workload does not support.
    func validate() throws {
        let contestant = common.server.against
        guard contestant.manner(Self.workload) != nil else {
            throw ValidationError("\(contestant.rawValue) does not support \(Self.workload.rawValue)")
        }
        let waitsForOthers = Self.workload == .barrier || Self.workload == .connect
        guard !waitsForOthers || (common.load.rate == nil && common.load.depth == nil) else {
            throw ValidationError("\(Self.workload.rawValue) does not take --rate or --depth")
        }
    }
}

extension CommonOptions {
    /// Returns a plan with the address, the length and the other options that every command shares.
    func plan(_ workload: Workload) throws(LoadFailure) -> RunPlan {
        let (address, credentials) = try server.location()
        var plan = RunPlan(
            workload: workload, contestant: server.against, address: address, credentials: credentials)
        plan.length = load.length
        plan.seed = load.seed
        plan.patienceSeconds = load.patience.value
        plan.serverPID = server.serverPID ?? ServerProcess.listening(at: address)?.pid
        plan.prefix = "load/\(getpid())"
        return plan
    }
}
