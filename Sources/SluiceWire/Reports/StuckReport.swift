/// The answer to `STUCK`: the cycles of clients that wait for each other.
public struct StuckReport: PagedReport, Hashable {
    /// The cycles that were found.
    public var cycles: [WaitCycle]
    /// The number of cycles that the report leaves out. Nil if it leaves out none.
    public var omitted: Int?

    package init(cycles: [WaitCycle], omitted: Int? = nil) {
        self.cycles = cycles
        self.omitted = omitted
    }

    package init(rows: [WaitCycle], omitted: Int) {
        self.init(cycles: rows, omitted: omitted == 0 ? nil : omitted)
    }

    /// A text for people.
    public var text: String {
        if cycles.isEmpty, omitted == nil { return Self.emptyText }
        var texts = cycles.map(\.text)
        if let omitted { texts.append("... and \(String(readable: omitted)) more") }
        return texts.joined(separator: "\n\n")
    }

    package var rows: [WaitCycle] { cycles }
    package var omittedRows: Int { omitted ?? 0 }

    package static var rowsKey: String { "cycles" }
    package static var emptyText: String { "no client is stuck" }

    /// The text of the report, with an empty line between two cycles.
    package struct Text: ReportText {
        private var texts: [String] = []
        private var byteCount = 0

        package init() {}

        package mutating func append(_ cycle: WaitCycle, within maxBytes: Int) -> Bool {
            let text = cycle.text
            guard texts.isEmpty || byteCount + text.utf8.count + 2 <= maxBytes else { return false }
            texts.append(text)
            byteCount += text.utf8.count + 2
            return true
        }

        package var count: Int { texts.count }
        package func piece(at index: Int) -> String { texts[index] + "\n\n" }
    }
}

/// A cycle of clients, each of which waits for the next, and the last one for the first.
public struct WaitCycle: Codable, Sendable, Hashable {
    /// Whether the cycle is certain to be a deadlock.
    public var certainty: Certainty
    /// The clients in order, each of which waits for the next.
    public var steps: [WaitStep]
    /// The number of clients that the report leaves out between the last step and the first. Nil if it leaves out none.
    public var omittedSteps: Int?

    package init(_ certainty: Certainty, steps: [WaitStep], omittedSteps: Int? = nil) {
        self.certainty = certainty
        self.steps = steps
        self.omittedSteps = omittedSteps
    }

    /// How certain it is that the cycle is a deadlock.
    public enum Certainty: String, Codable, CaseIterable, Sendable, Hashable {
        /// The declared ends show that no other client can end the wait.
        case proved
        /// Another client might end the wait, because not all ends were declared.
        case possible
    }

    /// A line with a summary, and a line for each step.
    package var text: String {
        let names = shownNames
        var lines = steps.map { step in "\n  " + step.text(waitsFor: names[step.waitsFor] ?? step.waitsFor) }
        if let omittedSteps { lines.append("\n  ... and \(String(readable: omittedSteps)) more clients") }
        return summary + lines.joined()
    }

    private var summary: String {
        let waiting =
            switch steps.count + (omittedSteps ?? 0) {
            case 1: "1 client waits for itself"
            case 2: "2 clients wait for each other"
            case let count: "\(String(readable: count)) clients wait in a cycle"
            }
        return switch certainty {
        case .proved: "proved: \(waiting)"
        case .possible: "possible: \(waiting), unless another client helps"
        }
    }

    /// The labels by address of the clients whose label no other client of the cycle has, as its label or its address.
    /// Other lines may show only the label of such a client, because the line of its own step has both.
    private var shownNames: [String: String] {
        let stepsByLabel = Dictionary(grouping: steps) { $0.label }
        let addresses = Set(steps.map(\.client))
        var names: [String: String] = [:]
        for step in steps {
            guard let label = step.label, stepsByLabel[label]?.count == 1,
                !addresses.contains(label)
            else { continue }
            names[step.client] = label
        }
        return names
    }
}

/// A client in a cycle, and what it waits for.
public struct WaitStep: Codable, Sendable, Hashable {
    /// The client's address.
    public var client: String
    /// The label that the client has chosen with `NAME`.
    public var label: String?
    /// What the client waits for.
    public var operation: Operation
    /// The channel or barrier that the client waits on.
    public var channel: String
    /// How long the client has waited.
    public var waitingSeconds: Double
    /// The address or the label of the next client in the cycle.
    public var waitsFor: String

    package init(
        client: String,
        label: String? = nil,
        operation: Operation,
        channel: String,
        waitingSeconds: Double,
        waitsFor: String
    ) {
        self.client = client
        self.label = label
        self.operation = operation
        self.channel = channel
        self.waitingSeconds = waitingSeconds
        self.waitsFor = waitsFor
    }

    /// What a client in a cycle waits for.
    public enum Operation: String, Codable, CaseIterable, Sendable, Hashable {
        /// To send a message that the next client could receive.
        case send
        /// To receive a message that the next client could send.
        case receive = "recv"
        /// At a barrier that the next client has not reached.
        case barrier
        /// For the next client to acknowledge its message.
        case lease
    }

    func text(waitsFor next: String) -> String {
        let name = label.map { "\($0) (\(client))" } ?? client
        let purpose =
            switch operation {
            case .send: "to send on \(channel), which \(next) receives"
            case .receive: "to recv \(channel), which \(next) sends"
            case .barrier: "at barrier \(channel) for \(next)"
            case .lease: "for \(next) to acknowledge its message on \(channel)"
            }
        return "\(name) has waited \(String(readableSeconds: waitingSeconds)) \(purpose)"
    }
}
