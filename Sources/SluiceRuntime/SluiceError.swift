import Glibc

/// The one error type of Sluice: what happened, in words for a person, and a code for a program.
public struct SluiceError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure it is. More codes may come; treat an unknown one as a failure of its operation.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let name: String

        /// - Parameter name: as in a log, lower-case words with hyphens. One name is one code, wherever it is made.
        package init(_ name: String) { self.name = name }

        /// The channel takes no more messages.
        public static let closed = Code("closed")
        /// The channel was poisoned: both its sides ended at once.
        public static let poisoned = Code("poisoned")
        /// The time ran out, and the operation did not happen.
        public static let timedOut = Code("timed-out")
        /// The waiting task was cancelled, and the operation did not happen.
        public static let cancelled = Code("cancelled")
        /// A receiver has the message, and what becomes of it is not known.
        public static let inDoubt = Code("in-doubt")
        /// The hub refused the operation: a limit, or a conflict with what others do.
        public static let refused = Code("refused")
        /// The operating system refused a call.
        public static let system = Code("system")
        /// An address could not be understood or resolved.
        public static let address = Code("address")
        /// The object was used in a way that its documentation rules out.
        public static let misuse = Code("misuse")

        /// The code in a log: "timed-out".
        public var description: String { name }
    }

    private struct Content: Hashable {
        let code: Code
        let message: String
        let errno: Int32
    }

    /// Boxed: an error of one word keeps the frames small of the suspended tasks that may throw it.
    private final class Box: Sendable {
        let content: Content

        init(_ content: Content) { self.content = content }
    }

    private let box: Box

    /// - Parameters:
    ///   - message: one line for a person, without a full stop.
    ///   - errno: the system's error number where `code` is `.system`.
    public init(_ code: Code, _ message: String, errno: Int32 = 0) {
        box = Box(Content(code: code, message: message, errno: errno))
    }

    /// A refusal by the operating system: what was tried, and why it failed.
    package init(system errno: Int32, _ attempt: String) {
        self.init(.system, "\(attempt): \(String(cString: strerror(errno)))", errno: errno)
    }

    /// What kind of failure it is.
    public var code: Code { box.content.code }
    /// One line for a person.
    public var message: String { box.content.message }
    /// The system's error number where `code` is `.system`, else 0.
    public var errno: Int32 { box.content.errno }
    /// The message.
    public var description: String { message }

    /// Whether code, message and system error are the same.
    public static func == (lhs: SluiceError, rhs: SluiceError) -> Bool { lhs.box.content == rhs.box.content }
    /// Hashes code, message and system error.
    public func hash(into hasher: inout Hasher) { hasher.combine(box.content) }
}
