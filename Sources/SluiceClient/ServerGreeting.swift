import SluiceRuntime
import SluiceWire

/// What a server says of itself when a connection begins.
public struct ServerGreeting: Sendable, Hashable {
    /// The life of the server: another number after every restart, with which messages, channels and ids are gone.
    public let epoch: Int
    /// The longest line that it takes, in bytes.
    public let maxLineBytes: Int
    /// The longest message, in bytes.
    public let maxMessageBytes: Int
    /// The most arms of a select.
    public let maxSelectArms: Int
    /// How many operations of this client may wait at the server at a time; those beyond wait in the client for their
    /// turn.
    public let maxPendingOperations: Int

    /// - Throws: `.misuse` when the server speaks another version of the protocol.
    init(_ reply: Reply) throws(SluiceError) {
        guard case .ok(let attributes) = reply else { throw reply.error() }
        func number(_ key: Attribute.Key) -> Int? { attributes.first { $0.key == key }.flatMap { Int($0.value) } }
        guard number(.version) == 1, let epoch = number(.epoch) else {
            throw SluiceError(.misuse, "the server speaks another version of the protocol")
        }
        let usual = Limits()
        self.epoch = epoch
        maxLineBytes = number(.maxLine) ?? usual.maxLineBytes
        maxMessageBytes = number(.maxBody) ?? usual.maxBodyBytes
        maxSelectArms = number(.maxArms) ?? usual.maxSelectArms
        maxPendingOperations = max(number(.maxTags) ?? usual.maxPendingTags, 2)
    }
}
