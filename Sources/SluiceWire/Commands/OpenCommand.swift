/// Declare a channel that is not the usual rendezvous, or open one anew that has ended.
package struct OpenCommand: Sendable, Hashable {
    package var channel: ChannelName
    package var declaration: ChannelDeclaration

    package init(_ channel: ChannelName, _ declaration: ChannelDeclaration) {
        self.channel = channel
        self.declaration = declaration
    }
}

/// What a channel does with its messages (`OPEN [cap=N] [overflow=O] [kind=K]`).
package enum ChannelDeclaration: Sendable, Hashable {
    /// Each message for one receiver; up to `capacity` of them are kept, and then what `overflow` says.
    case queue(capacity: Int, overflow: Overflow)
    /// Each message for every receiver that is there.
    case broadcast
    /// The first message for every receiver, now and later.
    case once

    /// A channel that nobody has opened.
    package static let rendezvous = ChannelDeclaration.queue(capacity: 0, overflow: .block)
}

/// What becomes of a message that does not fit.
public enum Overflow: String, CaseIterable, Sendable, Hashable {
    /// Its sender waits.
    case block
    /// It is dropped.
    case dropNewest = "drop-newest"
    /// It fits after all: the oldest one is dropped.
    case dropOldest = "drop-oldest"

    static let vocabulary = Vocabulary<Self>()
}

/// The kinds as they are spelled.
enum ChannelKindWord: String, CaseIterable {
    case queue, broadcast, once

    static let vocabulary = Vocabulary<Self>()
}
