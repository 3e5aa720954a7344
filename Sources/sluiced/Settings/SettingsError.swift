/// The reason why the daemon does not start: one line for a person, one exit status for a script.
struct SettingsError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, and where it was written: a single line without the program's name.
    let message: String

    /// The length beyond which the middle of a message is left out, in characters.
    private static let longestMessage = 4096

    /// The exit status of the process.
    let status: ExitStatus

    init(_ message: String, status: ExitStatus) {
        // A quoted value may be as long as the file. A line longer than the log's queue would be lost.
        let isTooLong = message.count > Self.longestMessage
        self.message = isTooLong ? "\(message.prefix(3000))[...]\(message.suffix(1000))" : message
        self.status = status
    }

    var description: String { message }
}

/// The exit statuses of a daemon that cannot serve, as in `sysexits.h`.
enum ExitStatus: Int32, Sendable {
    /// EX_USAGE: a flag that does not exist, or a value that it does not take.
    case usage = 64
    /// EX_NOINPUT: a file that does not exist or is not a regular file.
    case noInput = 66
    /// EX_UNAVAILABLE: an address that is in use or does not exist.
    case unavailable = 69
    /// EX_OSERR: the system refused a resource that the daemon needs.
    case systemError = 71
    /// EX_IOERR: an error while reading a file.
    case inputOutput = 74
    /// EX_NOPERM: a missing permission for a file or an address.
    case noPermission = 77
    /// EX_CONFIG: a mistake in the environment or in the configuration file.
    case configuration = 78
}
