/// The answer to `STUCK`: the cycles of clients that wait for each other.
public struct StuckReport: Report, Hashable {
    /// The cycles that were found.
    public var cycles: [WaitCycle]

    package init(cycles: [WaitCycle]) {
        self.cycles = cycles
    }

    /// A text for people.
    public var text: String {
        cycles.isEmpty ? "no client is stuck" : cycles.map(\.text).joined(separator: "\n\n")
    }
}

/// A cycle of clients, each of which waits for the next, and the last one for the first.
public struct WaitCycle: Codable, Sendable, Hashable {
    /// Whether the cycle is certain to be a deadlock.
    public var certainty: Certainty
    /// The clients in order, each of which waits for the next.
    public var steps: [WaitStep]

    package init(_ certainty: Certainty, steps: [WaitStep]) {
        self.certainty = certainty
        self.steps = steps
    }

    /// How certain it is that the cycle is a deadlock.
    public enum Certainty: String, Codable, CaseIterable, Sendable, Hashable {
        /// The declared ends show that no other client can end the wait.
        case proved
        /// Another client might end the wait, because not all ends were declared.
        case possible
    }

    /// A line with a summary, and a line for each step.
    var text: String {
        let names = shownNames
        let lines = steps.map { step in "\n  " + step.text(waitsFor: names[step.waitsFor] ?? step.waitsFor) }
        return summary + lines.joined()
    }

    private var summary: String {
        let waiting =
            switch steps.count {
            case 1: "1 client waits for itself"
            case 2: "2 clients wait for each other"
            default: "\(String(readable: steps.count)) clients wait in a cycle"
            }
        return switch certainty {
        case .proved: "proved: \(waiting)"
        case .possible: "possible: \(waiting), unless another client helps"
        }
    }

    /// The labels by address of the clients whose label no other client of the cycle has. Other lines may call such a
    /// client by its label alone, because the line of its own step has both.
    private var shownNames: [String: String] {
        let stepsByLabel = Dictionary(grouping: steps) { $0.label }
        var names: [String: String] = [:]
        for step in steps {
            if let label = step.label, stepsByLabel[label]?.count == 1 { names[step.client] = label }
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
