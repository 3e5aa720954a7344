import Glibc
import SluiceWire

/// Standard error, for messages to a person.
struct Console: Sendable {
    let isQuiet: Bool
    /// Whether standard error is a terminal.
    let isTerminal: Bool

    init(isQuiet: Bool = false) {
        self.isQuiet = isQuiet
        isTerminal = isatty(STDERR_FILENO) == 1
    }

    static let standard = Console()

    /// Whether standard output is a terminal.
    static var hasTerminalOutput: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Reports what is wrong.
    func complain(_ message: String) {
        guard !isQuiet else { return }
        write("sluice: \(message.escapedForTerminal())\n")
    }

    /// Writes a text as it is. What cannot be written is lost, because there is nowhere to report it.
    func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(count, 0))
        }
    }
}
