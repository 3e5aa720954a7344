/// A process that the server runs beside its channels.
public struct ProcessReport: Codable, Sendable, Hashable {
    /// What it is called.
    public var name: String
    /// What it does, in a word.
    public var kind: String
    /// Whether it runs.
    public var state: State
    /// How often it was started again.
    public var restarts: Int
    /// How many messages it has dealt with.
    public var messages: Int
    /// What ended it last; any text.
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

    /// What a process is at.
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
