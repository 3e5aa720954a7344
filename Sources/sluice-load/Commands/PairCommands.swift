import ArgumentParser

struct HandoffCommand: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "handoff", abstract: "Senders that wait until a receiver has taken their message.")
    static let workload = Workload.handoff

    @OptionGroup var pairs: PairOptions
    @OptionGroup var common: CommonOptions

    func cast(_ plan: inout Plan) { pairs.cast(&plan, pairs: 50) }
}

struct LeaseCommand: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease", abstract: "As handoff, and the receiver acknowledges.")
    static let workload = Workload.lease

    @OptionGroup var pairs: PairOptions
    @OptionGroup var common: CommonOptions

    func cast(_ plan: inout Plan) { pairs.cast(&plan, pairs: 50) }
}

struct StreamCommand: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "A sender with many messages on their way, 256 if --depth says nothing, and a receiver of all.")
    static let workload = Workload.stream

    @OptionGroup var pairs: PairOptions
    @OptionGroup var common: CommonOptions

    func cast(_ plan: inout Plan) {
        pairs.cast(&plan, pairs: 1)
        plan.depth = common.load.depth ?? 256
        plan.bodyBytes = common.load.body ?? 64
    }
}

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

/// How senders and receivers meet.
enum Sharing: String, ExpressibleByArgument, CaseIterable {
    /// A channel for each sender.
    case `private`
    /// One for all.
    case shared
}

/// So many senders, and as many receivers.
struct PairOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Senders, and as many receivers.", valueName: "N"))
    var pairs: Int?

    @Option(help: ArgumentHelp("Whether each pair has a channel of its own.", valueName: "HOW"))
    var channels = Sharing.private

    func validate() throws {
        guard (1...MessagePattern.mostSenders).contains(pairs ?? 1) else {
            throw ValidationError("--pairs is from 1 to \(MessagePattern.mostSenders)")
        }
    }

    func cast(_ plan: inout Plan, pairs: Int) {
        plan.senders = self.pairs ?? pairs
        plan.receivers = plan.senders
        plan.channels = channels == .shared ? 1 : plan.senders
    }
}
