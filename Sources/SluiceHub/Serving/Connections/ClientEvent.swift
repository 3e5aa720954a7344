/// Something that a client did, or that happened to it, for the log of the program that runs the hub.
public struct ClientEvent: Sendable, Hashable {
    /// What happened.
    public enum Kind: Sendable, Hashable {
        /// The connection has ended, or was turned away.
        case closed(ConnectionEnding)
        /// The TLS handshake failed. The text is the reason.
        case handshakeFailed(String)
        /// A connection to a listener for proxies was closed before it was admitted. The text is the reason.
        case proxyRefused(String)
        /// The client has authenticated.
        case authenticated
        /// The client has poisoned a channel. The reason is the client's text, and may contain any characters.
        case poisoned(channel: String, reason: String?)
        /// The client got `ERR limit`, with this text.
        case limited(String)
        /// The client's message was rejected and waits, because the dead channel does not take it. Reported once for a
        /// channel, and again only after one of its messages has moved to the dead channel.
        case deadLetterWaits(channel: String, dead: String, because: DeadChannelObstacle)
    }

    /// Why a dead channel does not take a rejected message.
    public enum DeadChannelObstacle: String, Sendable, Hashable {
        /// The channel does not exist: no client has opened it or uses it.
        case missing = "does not exist"
        /// The channel is closed or poisoned.
        case ended = "has ended"
        /// The channel is in use, but was not opened as a queue with a capacity.
        case keepsNothing = "keeps no messages"
        /// The channel has no room.
        case full = "is full"
        /// A limit on memory does not permit it.
        case limit = "may not keep more"
    }

    /// What happened.
    public let kind: Kind
    /// The client's address.
    public let address: String
    /// The address without its port, or the user. Nil for a client of this process.
    package let origin: ClientOrigin?
    /// The principal that the client has authenticated as. Nil if it has not.
    public let principal: String?
    /// The verb of the last command that the client sent. Nil if it has sent none.
    public let command: String?
}
