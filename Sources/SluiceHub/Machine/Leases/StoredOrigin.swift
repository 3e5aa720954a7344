import SluiceWire

/// Where a rejected message in a dead channel comes from: what its receivers see as a `RejectedOrigin`.
final class StoredOrigin: Sendable {
    /// The channel in which it was rejected.
    let from: ChannelName
    /// The number of its attempts there.
    let attempts: Int
    let reason: String?
    /// The id that its sender has given it, with the sender's principal.
    let key: SendKey?

    init(from channel: ChannelName, attempts: Int, reason: String?, key: SendKey?) {
        from = channel
        self.attempts = attempts
        self.reason = reason
        self.key = key
    }

    var id: MessageID? { key?.id }

    /// The attributes that the receivers of the message see.
    var attributes: [Attribute] {
        var attributes = [Attribute(.from, encoding: from.description), Attribute(.attempts, attempts)]
        if let reason { attributes.append(Attribute(.reason, encoding: reason)) }
        if let id { attributes.append(Attribute(.id, encoding: id.description)) }
        return attributes
    }

    /// The most output bytes that the attributes take.
    var outputBytes: Int {
        40 + from.description.utf8.count + 3 * (reason?.utf8.count ?? 0) + (id?.description.utf8.count ?? 0)
    }
}

/// A rejected message that waits for its dead channel, for the log.
struct HeldRejection {
    let channel: ChannelName
    let dead: ChannelName
    let obstacle: ClientEvent.DeadChannelObstacle
    let sender: ClientRecord
}

/// The reason for which a message is rejected.
struct Rejection: Sendable {
    let reason: String?
}

extension Attributes {
    /// Creates the attributes of a message that may be a dead letter or have a trace context.
    init(_ common: CommonAttributes, _ extras: OfferExtras?) {
        self.init(common)
        guard let extras else { return }
        for attribute in extras.attributes { append(attribute) }
    }
}
