import SluiceWire

/// What the server says of a send that succeeded.
public struct SendReceipt: Sendable, Hashable {
    /// How many have received it, on a broadcast; nil on any other channel.
    public let receivers: Int?
    /// Whether an earlier send with the same id had done it.
    public let isDuplicate: Bool
    /// Whether the channel was full and has dropped this message, as it was declared to.
    public let wasDropped: Bool

    init(_ attributes: Attributes) {
        func value(_ key: Attribute.Key) -> String? { attributes.first { $0.key == key }?.value }
        receivers = value(.receivers).flatMap { Int($0) }
        isDuplicate = value(.duplicate) == "yes"
        wasDropped = value(.dropped) == "yes"
    }
}
