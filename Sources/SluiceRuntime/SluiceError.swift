import Glibc

/// The one error type of Sluice: a code for programs, and a message for people.
public struct SluiceError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of a failure. New codes may be added: treat an unknown one as a failure of its operation.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let name: String

        /// - Parameter name: the code in a log, in lower-case words with hyphens. Codes of the same name are equal.
        package init(_ name: String) { self.name = name }

        /// The channel takes no more messages.
        public static let closed = Code("closed")
        /// The channel was poisoned: both its sides have ended.
        public static let poisoned = Code("poisoned")
        /// The timeout passed, and the operation did not happen.
        public static let timedOut = Code("timed-out")
        /// The waiting task was cancelled, and the operation did not happen.
        public static let cancelled = Code("cancelled")
        /// A receiver, or the channel's failure policy, has rejected the message: no receiver gets it again.
        public static let rejected = Code("rejected")
        /// A receiver has the message, and the outcome is not known.
        public static let inDoubt = Code("in-doubt")
        /// The hub refused the operation, because of a limit or a conflict with another client.
        public static let refused = Code("refused")
        /// A system call failed; see `errno`.
        public static let system = Code("system")
        /// An address could not be parsed or resolved.
        public static let address = Code("address")
        /// The object was used in a way that its documentation excludes.
        public static let misuse = Code("misuse")

        /// The code as in a log, such as "timed-out".
        public var description: String { name }
    }

    private struct Content: Hashable {
        let code: Code
        let message: String
        let errno: Int32
        var hadNoReceivers = false
    }

    /// Boxed, because an error of one word keeps the frames of suspended tasks small.
    private final class Box: Sendable {
        let content: Content

        init(_ content: Content) { self.content = content }
    }

    private let box: Box

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - message: one line for people, without a full stop.
    ///   - errno: the system's error number if `code` is `.system`.
    public init(_ code: Code, _ message: String, errno: Int32 = 0) {
        box = Box(Content(code: code, message: message, errno: errno))
    }

    private init(_ content: Content) { box = Box(content) }

    /// The error of a send whose time ran out while nobody received from the channel.
    package static let timedOutWithoutReceivers = SluiceError(
        Content(
            code: .timedOut, message: "the time ran out: nobody receives from the channel", errno: 0,
            hadNoReceivers: true))

    /// Creates the error of a failed system call.
    ///
    /// - Parameter attempt: what was attempted, such as "cannot listen on [::1]:7333".
    package init(system errno: Int32, _ attempt: String) {
        self.init(.system, "\(attempt): \(String(cString: strerror(errno)))", errno: errno)
    }

    /// The kind of the failure.
    public var code: Code { box.content.code }
    /// One line for people.
    public var message: String { box.content.message }
    /// The system's error number if `code` is `.system`, else 0.
    public var errno: Int32 { box.content.errno }
    /// Whether a send or a call timed out while nobody received from the channel: no receive was waiting, no receiver
    /// held a message under a lease, and none had joined. If a send or a call timed out and this is false, the
    /// receivers were busy, or the hub is too old to tell. Always false for other errors and for selects.
    public var hadNoReceivers: Bool { box.content.hadNoReceivers }
    /// The message.
    public var description: String { message }

    /// Whether code, message and system error are the same.
    public static func == (lhs: SluiceError, rhs: SluiceError) -> Bool { lhs.box.content == rhs.box.content }
    /// Hashes code, message and system error.
    public func hash(into hasher: inout Hasher) { hasher.combine(box.content) }
}
