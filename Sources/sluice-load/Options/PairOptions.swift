import ArgumentParser

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
