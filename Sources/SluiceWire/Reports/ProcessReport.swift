/// A built-in process of the server.
public struct ProcessReport: Codable, Sendable, Hashable {
    /// The name of the process.
    public var name: String
    /// What the process does, in a word.
    public var kind: String
    /// Whether the process is running.
    public var state: State
    /// How often the process was restarted.
    public var restarts: Int
    /// The number of messages that the process has handled.
    public var messages: Int
    /// The last error that ended the process. May be any text.
    public var lastError: String?

    package init(
        name: String, kind: String, state: State, restarts: Int = 0, messages: Int = 0, lastError: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.state = state
        self.restarts = restarts
        self.messages = messages
        self.lastError = lastError
    }

    /// The state of a process.
    public enum State: String, Codable, CaseIterable, Sendable, Hashable {
        case running
        case waitingToRestart = "waiting to restart"
        case stopped
    }

    static func table(_ processes: [ProcessReport]) -> String {
        var table = TextTable(
            .text("PROCESS"), .text("KIND"), .text("STATE"), .number("RESTARTS"), .number("MESSAGES"),
            .text("LAST ERROR"))
        for process in processes {
            table.append(
                process.name, process.kind, process.state.rawValue, String(process.restarts), String(process.messages),
                String(readableReason: process.lastError))
        }
        return table.text()
    }
}
