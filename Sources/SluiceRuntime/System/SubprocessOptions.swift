extension Subprocess {
    /// How a subprocess is started.
    public struct Options: Sendable, Hashable {
        /// The standard input of the program.
        public var input: Redirection = .inherited
        /// The standard output of the program.
        public var output: Redirection = .inherited
        /// The standard error of the program.
        public var errorOutput: Redirection = .inherited
        /// The variables of the program's environment; nil for those of this process.
        public var environment: [String: String]?
        /// The folder that the program begins in; nil for that of this process.
        public var directory: String?
        /// Whether the program leads a process group of its own, which also contains the processes that it starts. If so,
        /// `signal` reaches the whole group, and ctrl-C in the terminal does not.
        public var leadsGroup = false

        /// Creates options: everything is inherited.
        public init() {}

        /// Creates options with other redirections.
        public init(
            input: Redirection = .inherited, output: Redirection = .inherited, errorOutput: Redirection = .inherited
        ) {
            self.input = input
            self.output = output
            self.errorOutput = errorOutput
        }
    }

    /// What one of the standard descriptors of a program is.
    public enum Redirection: Sendable, Hashable {
        /// That of this process.
        case inherited
        /// `/dev/null`.
        case null
        /// A pipe, whose other end is a `Stream` of the subprocess.
        case pipe
        /// A duplicate of another descriptor of this process.
        case descriptor(Int32)
    }

    /// How a program has ended.
    public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
        /// It has ended by itself, with a status from 0 to 255.
        case exited(Int32)
        /// A signal has ended it.
        case killed(signal: Int32)

        /// Whether the program has ended with status 0.
        public var isSuccess: Bool { self == .exited(0) }

        /// The status in words, such as "exit status 1".
        public var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .killed(let signal): "signal \(signal)"
            }
        }

        /// Converts what `waitpid` returns.
        init(waitStatus: Int32) {
            let signal = waitStatus & 0x7F
            self = signal == 0 ? .exited(waitStatus >> 8 & 0xFF) : .killed(signal: signal)
        }
    }

    /// What `run` returns.
    public struct Completed: Sendable, Hashable {
        /// How the program has ended.
        public let status: ExitStatus
        /// What it has written to its standard output.
        public let output: [UInt8]
        /// What it has written to its standard error.
        public let errorOutput: [UInt8]
    }
}
