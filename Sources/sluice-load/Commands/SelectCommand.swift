import ArgumentParser

struct SelectCommand: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "select", abstract: "Receivers that wait on several channels, with a sender on each of them.")
    static let workload = Workload.select

    @OptionGroup var selecting: SelectOptions
    @OptionGroup var common: CommonOptions

    func cast(_ plan: inout Plan) {
        let channels = selecting.receivers * selecting.arms
        (plan.senders, plan.receivers, plan.channels) = (channels, selecting.receivers, channels)
    }
}

/// Who waits on how many channels.
struct SelectOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many receivers.", valueName: "N"))
    var receivers = 10
    @Option(help: ArgumentHelp("How many channels each waits on.", valueName: "N"))
    var arms = 8

    func validate() throws {
        guard (1...64).contains(arms) else { throw ValidationError("--arms is from 1 to 64") }
        guard (1...MessagePattern.mostSenders / arms).contains(receivers) else {
            throw ValidationError("--receivers is at least 1")
        }
    }
}
