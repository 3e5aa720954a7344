/// Why the daemon does not start: one line for a person, one exit status for a script.
struct SettingsError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, and where it was written; a single line without the program's name.
    let message: String

    /// What the process ends with.
    let status: ExitStatus

    init(_ message: String, status: ExitStatus) {
        self.message = message
        self.status = status
    }

    var description: String { message }
}

/// The exit statuses of a daemon that cannot serve, as in `sysexits.h`.
enum ExitStatus: Int32, Sendable {
    /// EX_USAGE: a flag that does not exist, or a value that it does not take.
    case usage = 64
    /// EX_NOINPUT: a file that is not there, or is no file.
    case noInput = 66
    /// EX_UNAVAILABLE: an address that is taken.
    case unavailable = 69
    /// EX_OSERR: the system refused something that it should grant.
    case systemError = 71
    /// EX_IOERR: reading failed half-way.
    case inputOutput = 74
    /// EX_NOPERM: the system forbids it.
    case noPermission = 77
    /// EX_CONFIG: the environment or the configuration file says something wrong.
    case configuration = 78
}
