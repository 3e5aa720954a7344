import ArgumentParser

/// How many connections, in workloads without receivers.
struct ConnectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many connections.", valueName: "N"))
    var connections = 50

    func validate() throws {
        guard (1...1_000_000).contains(connections) else {
            throw ValidationError("--connections must be from 1 to 1000000")
        }
    }

    func populate(_ plan: inout RunPlan) { (plan.senders, plan.receivers, plan.channels) = (connections, 0, 1) }
}

struct MeasurePing: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "PINGs, the smallest request; by default 16 at a time.")
    static let workload = Workload.ping

    @OptionGroup var connections: ConnectionOptions
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) {
        connections.populate(&plan)
        plan.depth = common.load.depth ?? 16
    }
}

struct MeasureBarrier: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "barrier",
        abstract: "Connections that meet at a barrier again and again, with one barrier for each thread.")
    static let workload = Workload.barrier

    @OptionGroup var connections: ConnectionOptions
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) { connections.populate(&plan) }
}

struct MeasureConnect: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect", abstract: "Connections that send one PING, quit and connect again.")
    static let workload = Workload.connect

    @OptionGroup var connections: ConnectionOptions
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) { connections.populate(&plan) }
}
