/// Choose: exactly one arm commits, atomically.
package struct SelectCommand: Sendable, Hashable {
    /// The arms in the order written, without the `else`.
    package var arms: [Arm]
    /// Whether a last `else` arm is taken when no other arm can commit at once.
    package var hasElse: Bool
    package var order: SelectOrder
    /// How long to wait; zero tries once, nil waits for ever. Always nil with an `else`, which never waits.
    package var timeout: Duration?
    /// Whether the command stays parked when the client half-closes (`eof=wait`).
    package var waitsAfterEOF: Bool

    package init(
        arms: [Arm],
        hasElse: Bool = false,
        order: SelectOrder = .fair,
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

/// One alternative of a select. Its number is its place in the line, from 0.
package enum Arm: Sendable, Hashable {
    /// With how long the message may be held until it is acknowledged; nil takes it for good.
    case receive(ChannelName, lease: Duration? = nil)
    /// With what makes a repetition recognisable as one, or nil.
    case send(ChannelName, Body, id: MessageID? = nil)
    /// With how many must come; nil leaves that to the others.
    case barrier(ChannelName, parties: Int? = nil)

    /// The channel or barrier that the arm is about.
    package var name: ChannelName {
        switch self {
        case .receive(let name, _), .send(let name, _, _), .barrier(let name, _): name
        }
    }
}

/// In which order a select looks at arms that are ready at the same time.
package enum SelectOrder: String, CaseIterable, Sendable, Hashable {
    /// Begins after the arm that this connection's same select took last.
    case fair
    /// Priority in the order written.
    case first
    /// At random.
    case random

    static let vocabulary = Vocabulary<Self>()
}
