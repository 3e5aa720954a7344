import Glibc

/// What is said on stderr.
struct Console: Sendable {
    let isQuiet: Bool
    /// Whether a person watches.
    let isTerminal: Bool

    init(isQuiet: Bool = false) {
        self.isQuiet = isQuiet
        isTerminal = isatty(STDERR_FILENO) == 1
    }

    static let standard = Console()

    /// Whether a person sees what is printed.
    static var hasTerminalOutput: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Says what is wrong.
    func complain(_ message: String) {
        guard !isQuiet else { return }
        write("sluice: \(message)\n")
    }

    /// Writes as it is; what cannot be written is lost, there being nobody to tell.
    func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(count, 0))
        }
    }
}
