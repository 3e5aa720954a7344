import ArgumentParser

struct FanInCommand: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "fan-in", abstract: "Many senders, one receiver, one channel.")
    static let workload = Workload.fanIn

    @OptionGroup var senders: SendersOption
    @OptionGroup var common: CommonOptions

    func cast(_ plan: inout Plan) { (plan.senders, plan.receivers, plan.channels) = (senders.senders, 1, 1) }
}

struct FanOutCommand: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "fan-out", abstract: "One sender, many receivers, one channel: each message for one of them.")
    static let workload = Workload.fanOut

    @OptionGroup var receivers: ReceiversOption
    @OptionGroup var common: CommonOptions

    func cast(_ plan: inout Plan) { (plan.senders, plan.receivers, plan.channels) = (1, receivers.receivers, 1) }
}

struct BroadcastCommand: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "broadcast", abstract: "One sender, many receivers: each message for all of them.")
    static let workload = Workload.broadcast

    @OptionGroup var receivers: ReceiversOption
    @OptionGroup var common: CommonOptions

    func cast(_ plan: inout Plan) { (plan.senders, plan.receivers, plan.channels) = (1, receivers.receivers, 1) }
}

struct SendersOption: ParsableArguments {
    @Option(help: ArgumentHelp("How many senders.", valueName: "N"))
    var senders = 50

    func validate() throws {
        guard (1...MessagePattern.mostSenders).contains(senders) else {
            throw ValidationError("--senders is from 1 to \(MessagePattern.mostSenders)")
        }
    }
}

struct ReceiversOption: ParsableArguments {
    @Option(help: ArgumentHelp("How many receivers.", valueName: "N"))
    var receivers = 50

    func validate() throws {
        guard receivers >= 1 else { throw ValidationError("--receivers is at least 1") }
    }
}
