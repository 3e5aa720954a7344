/// The answer to `WAITERS`.
public struct WaitersReport: Report, Hashable {
    /// Who waits, longest first.
    public var waiters: [WaiterReport]
    /// How many more there are.
    public var omitted: Int

    package init(waiters: [WaiterReport], omitted: Int = 0) {
        self.waiters = waiters
        self.omitted = omitted
    }

    /// For people.
    public var text: String {
        if waiters.isEmpty, omitted == 0 { return "nobody waits" }
        var table = TextTable(
            .text("CLIENT"), .text("LABEL"), .text("TAG"), .number("WAITED"), .number("LEFT"), .text("STATE"),
            .text("OPERATION"))
        for waiter in waiters {
            table.append(
                waiter.client, waiter.label, waiter.tag, String(readableSeconds: waiter.waitingSeconds),
                waiter.timeoutSeconds.map { String(readableSeconds: $0) }, waiter.state.rawValue, waiter.operationText)
        }
        return table.text(omitted: omitted)
    }
}

/// An operation that waits, as `WAITERS` shows it.
public struct WaiterReport: Codable, Sendable, Hashable {
    /// The client's address.
    public var client: String
    /// What the client calls itself.
    public var label: String?
    /// Without its `#`.
    public var tag: String?
    /// What it wants.
    public var operation: Operation
    /// What it waits for: the channel of a send or receive; each arm of a select, such as "recv a"; of a barrier its
    /// name and how many have come, such as "start 2 of 3".
    public var targets: [String]
    /// For how long it has waited.
    public var waitingSeconds: Double
    /// The time that is left to it; nil for ever.
    public var timeoutSeconds: Double?
    /// Whether it waits, is held up, or has been handed over.
    public var state: State

    package init(
        client: String,
        label: String? = nil,
        tag: String? = nil,
        operation: Operation,
        targets: [String],
        waitingSeconds: Double,
        timeoutSeconds: Double? = nil,
        state: State = .waiting
    ) {
        self.client = client
        self.label = label
        self.tag = tag
        self.operation = operation
        self.targets = targets
        self.waitingSeconds = waitingSeconds
        self.timeoutSeconds = timeoutSeconds
        self.state = state
    }

    /// What an operation wants.
    public enum Operation: String, Codable, CaseIterable, Sendable, Hashable {
        case send
        case receive = "recv"
        case select, barrier, trace
    }

    /// Where a waiting operation stands.
    public enum State: String, Codable, CaseIterable, Sendable, Hashable {
        /// For another client.
        case waiting
        /// For the receiver to acknowledge the message that it was handed.
        case underLease = "under lease"
        /// For its own client to take replies, or to acknowledge messages.
        case paused
    }

    /// The operation as it would be typed. Of a select with many arms the first are shown.
    package var operationText: String {
        var text = operation.rawValue
        if !targets.isEmpty { text += " " + targets.prefix(Self.mostArms).joined(separator: " | ") }
        if targets.count > Self.mostArms { text += " | ... and \(targets.count - Self.mostArms) more" }
        return text
    }

    private static let mostArms = 8
}
