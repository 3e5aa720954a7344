/// The answer to `WAITERS`.
public struct WaitersReport: TableReport, Hashable {
    /// The waiting operations, of which the first has waited longest.
    public var waiters: [WaiterReport]
    /// The number of operations that the report leaves out.
    public var omitted: Int

    package init(waiters: [WaiterReport], omitted: Int = 0) {
        self.waiters = waiters
        self.omitted = omitted
    }

    /// A table for people.
    public var text: String { Self.text(of: waiters, omitted: omitted) }

    package init(rows: [WaiterReport], omitted: Int) {
        self.init(waiters: rows, omitted: omitted)
    }

    package typealias Text = TableText<Self>

    package var rows: [WaiterReport] { waiters }
    package var omittedRows: Int { omitted }

    package static var rowsKey: String { "waiters" }
    package static var emptyText: String { "no operation is waiting" }

    package static var emptyTable: TextTable {
        TextTable(
            .text("CLIENT"), .text("LABEL"), .text("TAG"), .number("WAITED"), .number("LEFT"), .text("STATE"),
            .text("OPERATION"))
    }

    package static func cells(of waiter: WaiterReport) -> [String?] {
        [
            waiter.client, waiter.label, waiter.tag, String(readableSeconds: waiter.waitingSeconds),
            waiter.timeoutSeconds.map { String(readableSeconds: $0) }, waiter.state.rawValue, waiter.operationText,
        ]
    }
}

/// A waiting operation, as `WAITERS` shows it.
public struct WaiterReport: Codable, Sendable, Hashable {
    /// The client's address.
    public var client: String
    /// The label that the client has chosen with `NAME`.
    public var label: String?
    /// The tag of the command, without its `#`.
    public var tag: String?
    /// The kind of operation.
    public var operation: Operation
    /// What the operation waits for: the channel of a send or receive; each arm of a select, such as "recv a"; the name
    /// of a barrier and how many parties have come, such as "start (2 of 3)".
    public var targets: [String]
    /// How long the operation has waited.
    public var waitingSeconds: Double
    /// The time left until the timeout. Nil without a timeout.
    public var timeoutSeconds: Double?
    /// What the operation waits for at the moment.
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

    /// The kind of a waiting operation.
    public enum Operation: String, Codable, CaseIterable, Sendable, Hashable {
        case send
        case receive = "recv"
        case select, barrier, redrive, trace
    }

    /// What holds up a waiting operation.
    public enum State: String, Codable, CaseIterable, Sendable, Hashable {
        /// Another client has to send, receive or come to the barrier.
        case waiting
        /// The receiver of the message has to end its lease.
        case underLease = "under lease"
        /// Its own client has to read replies or acknowledge messages.
        case paused
    }

    /// The operation as a person would type it. Of a select with many arms only the first are shown.
    package var operationText: String {
        var text = operation.rawValue
        if !targets.isEmpty { text += " " + targets.prefix(Self.mostArms).joined(separator: " | ") }
        if targets.count > Self.mostArms { text += " | ... and \(targets.count - Self.mostArms) more" }
        return text
    }

    private static let mostArms = 8
}
