import SluiceWire

/// What the clients of a principal may do with which channels and barriers.
///
/// A rule permits or denies a class of commands on all names that begin with a prefix. The empty prefix stands for all
/// names. What no rule permits is denied, and a rule that denies wins over those that permit.
public struct Permissions: Sendable, Equatable {
    /// The commands that a rule is about. The raw value is the word in a file of principals.
    public enum CommandClass: String, CaseIterable, Sendable {
        /// `SEND`, `CALL` and the arms of selects that send.
        case send
        /// `RECV`, `REDRIVE` and the arms of selects that receive. What a receiver does with its leases needs no
        /// permission of its own.
        case receive = "recv"
        case open, close, poison, join
        /// `BARRIER` and the arms of selects that meet.
        case barrier
        /// The reports on channels and on the operations that wait on them.
        case inspect
        case trace

        /// The classes that the word `*` stands for: those that use a channel or barrier.
        public static let ofUse: [CommandClass] = [.send, .receive, .open, .close, .poison, .join, .barrier]
    }

    /// What reports show besides the names that begin with a prefix of the class `inspect`.
    public enum Inspection: Sendable {
        case nothing
        /// The principal's own connections, and the channels and barriers in which they take part.
        case own
        /// The whole hub.
        case everything
    }

    struct Rule: Sendable, Hashable {
        let commands: CommandClass
        let prefix: String
    }

    private(set) var allowed: Set<Rule> = []
    private(set) var denied: Set<Rule> = []
    /// What reports show.
    public var inspection = Inspection.nothing
    /// Whether the clients may close connections with `KILL`.
    public var mayKill = false
    /// Whether everything is permitted, whatever the rules say.
    let isUnrestricted: Bool

    /// Creates permissions that permit nothing.
    public init() { isUnrestricted = false }

    private init(unrestricted: Void) { isUnrestricted = true }

    /// Permits everything. `KILL` needs the right of a process on the same machine; see the protocol.
    public static let unrestricted = Permissions(unrestricted: ())

    /// Permits commands on all names that begin with a prefix.
    public mutating func allow(_ commands: CommandClass, on prefix: String) {
        allowed.insert(Rule(commands: commands, prefix: prefix))
    }

    /// Denies commands on all names that begin with a prefix.
    public mutating func deny(_ commands: CommandClass, on prefix: String) {
        denied.insert(Rule(commands: commands, prefix: prefix))
    }

    /// Whether a name of a channel or barrier can begin with a text.
    public static func isPrefix(_ text: String) -> Bool { text.isEmpty || ChannelName(text) != nil }
}
