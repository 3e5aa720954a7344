public import SluiceRuntime
import SluiceWire

/// The state of a client's connection.
public enum ConnectionState: Sendable, Hashable {
    /// There is no connection yet, or no longer: operations wait for one, up to their timeouts.
    ///
    /// - Parameter cause: why the last connection, or the last attempt, failed; nil before the first one.
    case connecting(after: SluiceError?)
    /// The server has accepted the client.
    case connected(ServerGreeting)
    /// There will be no other connection: the client was closed, or the server has rejected it.
    case ended(SluiceError)
}

/// What a server says about itself when a connection begins.
public struct ServerGreeting: Sendable, Hashable {
    /// The life of the server. It changes with each restart, which forgets messages, channels and ids.
    public let epoch: Int
    /// The longest line that the server accepts, in bytes.
    public let maxLineBytes: Int
    /// The longest message, in bytes.
    public let maxMessageBytes: Int
    /// The most arms of a select.
    public let maxSelectArms: Int
    /// How many operations of this client may wait at the server at a time. The client queues those beyond.
    public let maxPendingOperations: Int
    /// The additions to the protocol that the server knows.
    let features: Set<Feature>

    private static let protocolVersion = 1

    /// - Throws: `.misuse` when the server speaks another version of the protocol.
    init(_ reply: Reply) throws(SluiceError) {
        guard case .ok(let attributes) = reply else { throw reply.error() }
        func number(_ key: Attribute.Key) -> Int? { attributes.first { $0.key == key }.flatMap { Int($0.value) } }
        guard let version = number(.version), let epoch = number(.epoch) else {
            throw SluiceError(.misuse, "the peer is not a Sluice server: its greeting has no version and epoch")
        }
        guard version == Self.protocolVersion else {
            throw SluiceError(
                .misuse,
                "the server speaks version \(version) of the protocol, and this client version \(Self.protocolVersion)")
        }
        features = Feature.list(attributes.first { $0.key == .features }?.value ?? "")
        let usual = Limits()
        self.epoch = epoch
        maxLineBytes = number(.maxLine) ?? usual.maxLineBytes
        maxMessageBytes = number(.maxBody) ?? usual.maxBodyBytes
        maxSelectArms = number(.maxArms) ?? usual.maxSelectArms
        maxPendingOperations = max(number(.maxTags) ?? usual.maxPendingTags, 2)
    }
}
