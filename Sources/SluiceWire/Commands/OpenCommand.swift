/// Declares a channel that is not a rendezvous, or reopens one that has ended (`OPEN`).
package struct OpenCommand: Sendable, Hashable {
    package var channel: ChannelName
    package var declaration: ChannelDeclaration
    /// What happens to messages that receivers do not acknowledge. Nil for the defaults.
    package var policy: FailurePolicy?

    package init(_ channel: ChannelName, _ declaration: ChannelDeclaration, _ policy: FailurePolicy? = nil) {
        self.channel = channel
        self.declaration = declaration
        self.policy = policy?.ifAny
    }

    /// Creates the command from the arguments of `open` in the libraries.
    ///
    /// - Throws: `.badName` if `dead` is not a name; another error if the policy is invalid or not possible for the
    ///   channel.
    package init(
        checking channel: ChannelName, _ declaration: ChannelDeclaration, maxAttempts: Int?, dead: String?,
        retry: Duration?
    ) throws(WireError) {
        var deadChannel: ChannelName?
        if let dead {
            guard let name = ChannelName(dead) else { throw WireError(.badName, ChannelName.rule) }
            deadChannel = name
        }
        let policy = FailurePolicy(maxAttempts: maxAttempts, deadChannel: deadChannel, retryDelay: retry)
        if policy.ifAny != nil { try policy.check(for: channel, declaration) }
        self.init(channel, declaration, policy)
    }
}

/// What a channel does with its messages (`OPEN [cap=N] [overflow=O] [kind=K]`).
public enum ChannelDeclaration: Sendable, Hashable {
    /// Each message goes to one receiver. The channel keeps up to `capacity` messages; `overflow` decides about a
    /// message that does not fit.
    case queue(capacity: Int, overflow: Overflow = .block)
    /// Each message goes to every receiver that is waiting.
    case broadcast
    /// The first message goes to every receiver, now and later.
    case once

    /// Keeps no messages: each sender waits for a receiver. A channel that nobody opened is a rendezvous.
    public static let rendezvous = ChannelDeclaration.queue(capacity: 0)

    /// The kind of a channel, spelled as in `kind=`.
    public enum Kind: String, Codable, CaseIterable, Sendable, Hashable {
        case queue, broadcast, once

        static let vocabulary = Vocabulary<Self>()
    }
}

/// What happens to a message that does not fit (`overflow=`).
public enum Overflow: String, Codable, CaseIterable, Sendable, Hashable {
    /// Its sender waits.
    case block
    /// The message is dropped.
    case dropNewest = "drop-newest"
    /// The oldest message is dropped to make room.
    case dropOldest = "drop-oldest"

    static let vocabulary = Vocabulary<Self>()
}
