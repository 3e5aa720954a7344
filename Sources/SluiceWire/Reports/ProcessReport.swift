/// A process that the server runs beside its channels.
package struct ProcessReport: Codable, Sendable, Hashable {
    package var name: String
    /// What it does, in a word.
    package var kind: String
    package var state: State
    /// How often it was started again.
    package var restarts: Int
    /// How many messages it has dealt with.
    package var messages: Int
    /// What ended it last; any text.
    package var lastError: String?

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

    package enum State: String, Codable, CaseIterable, Sendable, Hashable {
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
