import ArgumentParser

struct MeasureHandoff: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "handoff", abstract: "Senders that wait until a receiver has taken their message.")
    static let workload = Workload.handoff

    @OptionGroup var pairs: PairOptions
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) { pairs.populate(&plan, defaultPairs: 50) }
}

struct MeasureWorker: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Like handoff, with one counted receive for each receiver instead of a request for each message.")
    static let workload = Workload.worker

    @OptionGroup var pairs: PairOptions
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) { pairs.populate(&plan, defaultPairs: 50) }
}

struct MeasureLease: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease", abstract: "Like handoff, with a receiver that acknowledges each message.")
    static let workload = Workload.lease

    @OptionGroup var pairs: PairOptions
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) { pairs.populate(&plan, defaultPairs: 50) }
}

struct MeasureCall: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Callers that wait for the answer of a receiver with a counted receive.")
    static let workload = Workload.call

    @OptionGroup var pairs: PairOptions
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) { pairs.populate(&plan, defaultPairs: 50) }
}

struct MeasureStream: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "A sender with many messages in flight, by default 256, and a receiver with a counted receive.")
    static let workload = Workload.stream

    @OptionGroup var pairs: PairOptions
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) {
        pairs.populate(&plan, defaultPairs: 1)
        plan.depth = common.load.depth ?? 256
        plan.bodyBytes = common.load.body ?? 64
    }
}

struct MeasureSelect: WorkloadCommand {
    static let configuration = CommandConfiguration(
        commandName: "select", abstract: "Receivers that wait on several channels, with a sender on each channel.")
    static let workload = Workload.select

    @OptionGroup var selecting: SelectOptions
    @OptionGroup var common: CommonOptions

    func populate(_ plan: inout RunPlan) {
        let channels = selecting.receivers * selecting.arms
        (plan.senders, plan.receivers, plan.channels) = (channels, selecting.receivers, channels)
    }
}

/// How many receivers select, and over how many channels.
struct SelectOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many receivers.", valueName: "N"))
    var receivers = 10
    @Option(help: ArgumentHelp("How many channels each receiver waits on.", valueName: "N"))
    var arms = 8

    func validate() throws {
        guard (1...64).contains(arms) else { throw ValidationError("--arms must be from 1 to 64") }
        let mostReceivers = MessagePattern.mostSenders / arms
        guard (1...mostReceivers).contains(receivers) else {
            throw ValidationError("--receivers must be from 1 to \(mostReceivers)")
        }
    }
}

/// How senders and receivers share channels.
enum Sharing: String, ExpressibleByArgument, CaseIterable {
    /// A channel for each pair.
    case `private`
    /// One channel for all pairs.
    case shared
}

/// How many pairs of a sender and a receiver.
struct PairOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many senders, and how many receivers.", valueName: "N"))
    var pairs: Int?

    @Option(help: ArgumentHelp("One channel for each pair, or one for all.", valueName: "HOW"))
    var channels = Sharing.private

    func validate() throws {
        guard (1...MessagePattern.mostSenders).contains(pairs ?? 1) else {
            throw ValidationError("--pairs must be from 1 to \(MessagePattern.mostSenders)")
        }
    }

    func populate(_ plan: inout RunPlan, defaultPairs: Int) {
        plan.senders = pairs ?? defaultPairs
        plan.receivers = plan.senders
        plan.channels = channels == .shared ? 1 : plan.senders
    }
}
