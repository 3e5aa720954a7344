import SluiceRuntime
import SluiceWire

/// A message with its sends and its receipts.
struct MessageRecord: Sendable {
    let name: MessageName
    let body: Body
    let hasID: Bool
    var sends: [SendRecord] = []
    /// In the order in which their clients read them.
    var receipts: [Receipt] = []
}

/// A send, or an arm of a select that sends.
struct SendRecord: Sendable {
    let exchange: Int
    let arm: Int?

    enum Outcome {
        /// The send was answered with `OK` and these attributes.
        case done(Attributes)
        /// The channel dropped the message, as its declaration allows.
        case dropped
        /// A receiver, or the channel's policy, has refused the message for good.
        case rejected
        /// The send did not happen.
        case failed
        /// The client does not know whether the send happened.
        case inDoubt
    }

    func outcome(in ledger: Ledger) -> Outcome {
        switch ledger.exchanges[exchange].final?.reply {
        case .ok(let attributes):
            guard attributes.number(of: .arm) == arm else { return .failed }
            return attributes.contains { $0.key == .dropped } ? .dropped : .done(attributes)
        case .data(_, let attributes): return .done(attributes)
        case .rejected(_, _, let rejected): return rejected.map(Int.init) == arm ? .rejected : .failed
        case .timeout, .timeoutWithoutReceivers, .closed, .poisoned, .cancelled, .error, .otherwise, .message, .end:
            return .failed
        case .maybe, nil: return .inDoubt
        }
    }
}

/// A message that a client received.
struct Receipt: Sendable {
    let exchange: Int
    let moment: Moment
    let arm: Int?
    let delivery: DeliveryID?
    let attempt: Int?
    /// Whether the message says that its sender waits for an answer.
    let isCall: Bool
    /// The lease that the receiver asked for; nil takes the message at once.
    let lease: Duration?
    let fence: Int64
    let trace: TraceContext?
    /// The channel on which it was received.
    let channel: ChannelName
    /// Whether the message was received from a dead channel.
    let isDead: Bool
}

/// What happened on a channel: the numbers of exchanges and messages.
struct ChannelRecord: Sendable {
    let name: ChannelName
    let declaration: ChannelDeclaration
    let policy: FailurePolicy?
    var messages: [Int] = []
    var receives: [Int] = []
    var closes: [Int] = []
    var poisons: [Int] = []
    var opens: [Int] = []
    var joins: [Int] = []
    var leaves: [Int] = []
    var redrives: [Int] = []

    var isRendezvous: Bool { declaration == .rendezvous }
    /// Whether the channel keeps every message that it accepts, and gives each to one receiver.
    var keepsAll: Bool { if case .queue(_, let overflow) = declaration { overflow != .dropOldest } else { false } }
    /// Whether each message is for one receiver.
    var isQueue: Bool { if case .queue = declaration { true } else { false } }
    /// Whether the channel parks senders rather than dropping messages.
    var isBlocking: Bool { if case .queue(_, .block) = declaration { true } else { false } }
    /// Whether no client ended the channel, or could have ended it by disconnecting.
    var isEndless: Bool { closes.isEmpty && poisons.isEmpty && joins.isEmpty }

    /// Whether the channel may have discarded messages: it was poisoned, or its last receiving end may have left.
    var mayDiscard: Bool {
        !joins.isEmpty || !poisons.isEmpty
    }
}

extension MessageRecord {
    /// Returns how often the message was taken, as far as the clients know.
    func commits(in ledger: Ledger) -> Int {
        receipts.count { $0.isCommitted(in: ledger) }
    }
}

extension Receipt {
    /// Returns whether the receiver took the message: it asked for no lease, or its acknowledgement was accepted.
    func isCommitted(in ledger: Ledger) -> Bool {
        guard let delivery else { return true }
        return (ledger.settlings[delivery] ?? []).contains { $0.isAcknowledgement && $0.isDone }
    }

    /// Returns whether the receiver may have taken the message, although its acknowledgement was not answered.
    func mayBeCommitted(in ledger: Ledger) -> Bool {
        guard let delivery else { return true }
        return (ledger.settlings[delivery] ?? []).contains { $0.isAcknowledgement && ($0.isDone || $0.final == nil) }
    }
}

extension Exchange {
    /// Whether it has rejected a message, if it was done: by `REJECT`, or by a `NACK` that says so.
    var isRejection: Bool {
        switch command {
        case .reject?: true
        case .nack?: if case .ok(let attributes)? = final?.reply { attributes.isRejected } else { false }
        default: false
        }
    }
    var isAcknowledgement: Bool { if case .acknowledge? = command { true } else { false } }
    /// Whether the command was answered with `OK`.
    var isDone: Bool { if case .ok? = final?.reply { true } else { false } }
    var isTimedOut: Bool {
        switch final?.reply {
        case .timeout, .timeoutWithoutReceivers: true
        default: false
        }
    }

    /// The trace context that a send gives its message.
    var trace: TraceContext? { if case .send(let send)? = command { send.trace } else { nil } }
    /// The time for which a send is delayed. Zero for other commands.
    var delay: Duration { if case .send(let send)? = command { send.delay ?? .zero } else { .zero } }

    /// The time before which the command cannot have timed out; nil if it has no timeout.
    var earliestTimeout: UInt64? { command?.timeout.map { sent.time + $0.wholeNanoseconds } }
}
