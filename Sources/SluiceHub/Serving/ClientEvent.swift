/// Something that a client did, or that happened to it, for the log of the program that runs the hub.
public struct ClientEvent: Sendable, Hashable {
    /// What happened.
    public enum Kind: Sendable, Hashable {
        /// The connection has ended, or was turned away.
        case closed(ConnectionEnding)
        /// The client has authenticated.
        case authenticated
        /// The client has poisoned a channel. The reason is the client's text, and may contain any characters.
        case poisoned(channel: String, reason: String?)
        /// The client got `ERR limit`, with this text.
        case limited(String)
    }

    /// What happened.
    public let kind: Kind
    /// The client's address.
    public let address: String
    /// The principal that the client has authenticated as. Nil if it has not.
    public let principal: String?
    /// The verb of the last command that the client sent. Nil if it has sent none.
    public let command: String?
}
