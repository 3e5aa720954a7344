/// Where a message comes from that was rejected and has moved to a dead channel.
public struct RejectedOrigin: Sendable, Hashable {
    /// The channel in which it was rejected.
    public let channel: String
    /// How often it was handed out there under a lease.
    public let attempts: Int
    /// Why it was rejected: the receiver's reason, or "attempts" after the last attempt.
    public let reason: String?
    /// The id that its sender has given it.
    public let id: String?

    /// Returns nil for a message that was not rejected.
    package init?(_ attributes: Attributes) {
        func text(_ key: Attribute.Key) -> String? {
            attributes.others.first { $0.key == key }.map { PercentEncoding.decode($0.value) }
        }
        guard let channel = text(.from) else { return nil }
        self.channel = channel
        attempts = text(.attempts).flatMap { Int($0) } ?? 0
        reason = text(.reason)
        id = text(.id)
    }
}

extension Attributes {
    /// The number of messages that a command has moved. 0 if it does not tell.
    package var count: Int { others.first { $0.key == .count }.flatMap { Int($0.value) } ?? 0 }
}
