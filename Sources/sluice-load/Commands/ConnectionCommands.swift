import ArgumentParser

/// So many connections, of which each does everything.
struct ConnectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many connections.", valueName: "N"))
    var connections = 50

    func validate() throws {
        guard (1...1_000_000).contains(connections) else { throw ValidationError("--connections is at least 1") }
    }

    func cast(_ plan: inout Plan) { (plan.senders, plan.receivers, plan.channels) = (connections, 0, 1) }
}

struct PingCommand: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "The least that a server can be asked; 16 at a time if --depth says nothing.")
    static let workload = Workload.ping

    @OptionGroup var connections: ConnectionOptions
    @OptionGroup var common: CommonOptions

    func cast(_ plan: inout Plan) {
        connections.cast(&plan)
        plan.depth = common.load.depth ?? 16
    }
}

struct BarrierCommand: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "barrier", abstract: "Connections that meet, again and again: those of a thread at one barrier.")
    static let workload = Workload.barrier

    @OptionGroup var connections: ConnectionOptions
    @OptionGroup var common: CommonOptions

    func cast(_ plan: inout Plan) { connections.cast(&plan) }
}

struct ConnectCommand: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect", abstract: "A storm of connections, of which each asks one thing and goes.")
    static let workload = Workload.connect

    @OptionGroup var connections: ConnectionOptions
    @OptionGroup var common: CommonOptions

    func cast(_ plan: inout Plan) { connections.cast(&plan) }
}
