import ArgumentParser

struct MeasureFanIn: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "fan-in", abstract: "Many senders and one receiver on one channel.")
    static let workload = Workload.fanIn

    @OptionGroup var senders: SendersOption
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) { (plan.senders, plan.receivers, plan.channels) = (senders.senders, 1, 1) }
}

struct MeasureFanOut: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "fan-out",
        abstract: "One sender and many receivers on one channel: each message goes to one receiver.")
    static let workload = Workload.fanOut

    @OptionGroup var receivers: ReceiversOption
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) { (plan.senders, plan.receivers, plan.channels) = (1, receivers.receivers, 1) }
}

struct MeasureBroadcast: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "broadcast", abstract: "One sender and many receivers: each message goes to all of them.")
    static let workload = Workload.broadcast

    @OptionGroup var receivers: ReceiversOption
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) { (plan.senders, plan.receivers, plan.channels) = (1, receivers.receivers, 1) }
}

struct SendersOption: ParsableArguments {
    @Option(help: ArgumentHelp("How many senders.", valueName: "N"))
    var senders = 50

    func validate() throws {
        guard (1...MessagePattern.mostSenders).contains(senders) else {
            throw ValidationError("--senders must be from 1 to \(MessagePattern.mostSenders)")
        }
    }
}

struct ReceiversOption: ParsableArguments {
    @Option(help: ArgumentHelp("How many receivers.", valueName: "N"))
    var receivers = 50

    func validate() throws {
        guard receivers >= 1 else { throw ValidationError("--receivers must be at least 1") }
    }
}
