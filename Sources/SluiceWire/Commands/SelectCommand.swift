/// Waits on several arms, of which exactly one commits (`SELECT`).
package struct SelectCommand: Sendable, Hashable {
    /// The arms in the order of the line, without the `else`.
    package var arms: [Arm]
    /// Whether a final `else` arm is taken when no other arm can commit at once.
    package var hasElse: Bool
    package var order: Order
    /// How long to wait. Zero tries once, nil waits for ever. Nil with an `else`, because such a select waits only for
    /// the end of a lease.
    package var timeout: Duration?
    /// Whether the command stays parked after the client half-closes its connection (`eof=wait`).
    package var waitsAfterEOF: Bool

    package init(
        arms: [Arm],
        hasElse: Bool = false,
        order: Order = .fair,
        timeout: Duration? = nil,
        waitsAfterEOF: Bool = false
    ) {
        self.arms = arms
        self.hasElse = hasElse
        self.order = order
        self.timeout = timeout
        self.waitsAfterEOF = waitsAfterEOF
    }
}

/// One alternative of a select. Arms are numbered from 0, in the order of the line.
package enum Arm: Sendable, Hashable {
    /// Takes a message; with a lease, the client holds it until it acknowledges it.
    case receive(ChannelName, lease: Duration? = nil)
    /// Offers a message. The id, if there is one, identifies a repeated send of the same message. The trace context
    /// comes with the message.
    case send(ChannelName, Body, id: MessageID? = nil, trace: TraceContext? = nil)
    /// Waits at a barrier for that many parties. Nil leaves the number to the others.
    case barrier(ChannelName, parties: Int? = nil)

    /// The channel or barrier of the arm.
    package var name: ChannelName {
        switch self {
        case .receive(let name, _), .send(let name, _, _, _), .barrier(let name, _): name
        }
    }
}

extension SelectCommand {
    /// The order in which a select tries arms that are ready at the same time (`order=`).
    package enum Order: String, CaseIterable, Sendable, Hashable {
        /// Begins after the arm that the same select of this connection took last.
        case fair
        /// By priority, in the order of the line.
        case first
        /// In random order.
        case random

        static let vocabulary = Vocabulary<Self>()
    }
}
