import SluiceRuntime
import SluiceWire

/// A message: who has sent it, and who has received it.
struct Story: Sendable {
    let name: MessageName
    let body: Body
    let hasID: Bool
    var sends: [SendView] = []
    /// In the order in which they were seen.
    var receipts: [Receipt] = []
}

/// A send, or such an arm of a select.
struct SendView: Sendable {
    let act: Int
    let arm: Int?

    enum Outcome {
        /// It was done; with what the hub said of it.
        case done([Attribute])
        /// The channel has dropped it, as it was declared to.
        case dropped
        /// It did not happen.
        case failed
        case inDoubt
    }

    func outcome(in ledger: Ledger) -> Outcome {
        switch ledger.acts[act].final?.reply {
        case .ok(let attributes):
            guard attributes.number(of: .arm) == arm else { return .failed }
            return attributes.contains { $0.key == .dropped } ? .dropped : .done(attributes)
        case .timeout, .closed, .poisoned, .cancelled, .error, .otherwise, .message, .end, .data: return .failed
        case .maybe, nil: return .inDoubt
        }
    }
}

/// A message as a client has seen it come.
struct Receipt: Sendable {
    let act: Int
    let moment: Moment
    let arm: Int?
    let delivery: DeliveryID?
    let attempt: Int?
    /// For how long its receiver wanted to hold it; nil takes it for good.
    let lease: Duration?
}

/// What has happened on a channel: the numbers of acts and of stories.
struct ChannelStory: Sendable {
    let name: ChannelName
    let declaration: ChannelDeclaration
    var stories: [Int] = []
    var receives: [Int] = []
    var closes: [Int] = []
    var poisons: [Int] = []
    var opens: [Int] = []
    var joins: [Int] = []
    var leaves: [Int] = []

    var isRendezvous: Bool { declaration == .rendezvous }
    /// Whether it keeps every message that it accepts, and gives each to one receiver.
    var keepsAll: Bool { if case .queue(_, let overflow) = declaration { overflow != .dropOldest } else { false } }
    /// Whether each message is for one receiver.
    var isQueue: Bool { if case .queue = declaration { true } else { false } }
    /// Whether senders wait rather than have anything dropped.
    var isBlocking: Bool { if case .queue(_, .block) = declaration { true } else { false } }
    /// Whether nobody ever ended it, or could have by going.
    var isEndless: Bool { closes.isEmpty && poisons.isEmpty && joins.isEmpty }

    /// Whether what it has kept may be gone: it was poisoned, or its last receiving end left.
    var mayDiscard: Bool {
        !joins.isEmpty || !poisons.isEmpty
    }
}

extension Story {
    /// How often somebody took the message for good, as far as was seen.
    func commits(in ledger: Ledger) -> Int {
        receipts.count { $0.isCommitted(in: ledger) }
    }
}

extension Receipt {
    /// Whether the receiver has taken the message for good, and knows it.
    func isCommitted(in ledger: Ledger) -> Bool {
        guard let delivery else { return true }
        return (ledger.settlings[delivery] ?? []).contains { $0.isAcknowledgement && $0.isDone }
    }

    /// Whether the receiver may have taken it for good, and not know it.
    func mayBeCommitted(in ledger: Ledger) -> Bool {
        guard let delivery else { return true }
        return (ledger.settlings[delivery] ?? []).contains { $0.isAcknowledgement && ($0.isDone || $0.final == nil) }
    }
}

extension Act {
    var isAcknowledgement: Bool { if case .acknowledge? = command { true } else { false } }
    /// Whether it was answered with `OK`.
    var isDone: Bool { if case .ok? = final?.reply { true } else { false } }
    var isTimedOut: Bool { if case .timeout? = final?.reply { true } else { false } }

    /// The time before which its patience cannot have ended; nil when it has no end.
    var earliestTimeout: UInt64? { command?.patience.map { sent.time + $0.wholeNanoseconds } }
}
