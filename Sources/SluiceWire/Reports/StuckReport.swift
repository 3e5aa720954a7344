/// The answer to `STUCK`: the cycles of waiting.
public struct StuckReport: Report, Hashable {
    /// The circles.
    public var cycles: [WaitCycle]

    package init(cycles: [WaitCycle]) {
        self.cycles = cycles
    }

    /// For people.
    public var text: String {
        cycles.isEmpty ? "nobody waits in a circle" : cycles.map(\.text).joined(separator: "\n\n")
    }
}

/// Clients of which each waits for the next, and the last one for the first.
public struct WaitCycle: Codable, Sendable, Hashable {
    /// Whether nobody else could help.
    public var certainty: Certainty
    /// The clients, of which each waits for the next.
    public var steps: [WaitStep]

    package init(_ certainty: Certainty, steps: [WaitStep]) {
        self.certainty = certainty
        self.steps = steps
    }

    /// How sure it is that nobody else can help.
    public enum Certainty: String, Codable, CaseIterable, Sendable, Hashable {
        /// The declared ends leave nobody else who could help.
        case proved
        /// Another client might help: who the ends are was not declared.
        case possible
    }

    /// A line that sums the cycle up, and a line for each step.
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
            default: "\(String(readable: steps.count)) clients wait in a circle"
            }
        return switch certainty {
        case .proved: "proved: \(waiting)"
        case .possible: "possible: \(waiting), unless somebody else comes"
        }
    }

    /// What to call a client where it is waited for, by its address: its label if no other step has the same, for the
    /// line of its own step has both.
    private var shownNames: [String: String] {
        let bearers = Dictionary(grouping: steps) { $0.label }
        var names: [String: String] = [:]
        for step in steps {
            if let label = step.label, bearers[label]?.count == 1 { names[step.client] = label }
        }
        return names
    }
}

/// A client in a cycle, and what it waits for.
public struct WaitStep: Codable, Sendable, Hashable {
    /// The client's address.
    public var client: String
    /// What the client calls itself.
    public var label: String?
    /// What it waits for.
    public var operation: Operation
    /// The channel or barrier.
    public var channel: String
    /// For how long the client has waited.
    public var waitingSeconds: Double
    /// The address of the next client in the cycle, or its label.
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

    /// What a client of a circle waits for.
    public enum Operation: String, Codable, CaseIterable, Sendable, Hashable {
        /// It has a message that the next client could receive.
        case send
        /// It wants a message that the next client could send.
        case receive = "recv"
        /// The next client has not come to the barrier.
        case barrier
        /// The next client has its message, and has not acknowledged it.
        case lease
    }

    func text(waitsFor next: String) -> String {
        let who = label.map { "\($0) (\(client))" } ?? client
        let what =
            switch operation {
            case .send: "to send on \(channel), which \(next) receives"
            case .receive: "to recv \(channel), which \(next) sends"
            case .barrier: "at barrier \(channel) for \(next)"
            case .lease: "for \(next) to acknowledge its message on \(channel)"
            }
        return "\(who) has waited \(String(readableSeconds: waitingSeconds)) \(what)"
    }
}
