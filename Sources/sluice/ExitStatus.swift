/// What the process ends with, so that a script knows what became of its message.
enum ExitStatus: Int32, Sendable {
    /// It happened: the message was taken, or there is an answer.
    case success = 0
    /// It was refused, or failed.
    case error = 1
    /// The command line is wrong.
    case usage = 2
    /// The time ran out, and it did not happen.
    case timeout = 3
    /// The channel is closed or poisoned.
    case ended = 4
    /// It may have happened.
    case inDoubt = 5
}

/// Why a command has failed: one line for a person, and a status for a script.
struct Failure: Error, Sendable, Hashable {
    /// A single line, without the program's name.
    let message: String
    let status: ExitStatus

    init(_ message: String, _ status: ExitStatus = .error) {
        self.message = message
        self.status = status
    }
}

/// How a command has ended.
enum Ending: Sendable, Hashable {
    case status(ExitStatus)
    /// With the status of another program.
    case code(Int32)
    /// Nobody reads the output any more.
    case brokenPipe
}
