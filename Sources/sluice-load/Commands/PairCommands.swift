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
