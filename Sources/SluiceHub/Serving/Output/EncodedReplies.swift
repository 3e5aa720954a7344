import DequeModule
import SluiceWire

/// Encoded replies. Large bodies are stored beside the bytes and not among them, so that a large body goes to the
/// kernel without a copy and can be shared by several receivers.
struct EncodedReplies: ~Copyable {
    /// A body that is written after the first `offset` of `bytes`.
    struct Insertion {
        let offset: Int
        let body: Body

        func sharesBody(with other: Insertion) -> Bool {
            body.withUnsafeBytes { left in other.body.withUnsafeBytes { left.baseAddress == $0.baseAddress } }
        }
    }

    /// A body with fewer bytes is copied, because that costs less than handling another piece.
    static let leastInsertedBytes = 16 << 10
    /// The same limit for a body that several receivers share. Copies for all of them could take any amount of memory.
    static let leastSharedBytes = 512

    var bytes = ByteBuffer()
    var insertions: Deque<Insertion> = []
    /// The number of bytes of all insertions.
    var insertedBytes = 0
    /// The same, but a body that directly repeats the previous one is not counted again. A broadcast to many receives
    /// of one client repeats its body.
    var distinctBytes = 0

    var isEmpty: Bool { bytes.isEmpty }
    /// The number of bytes.
    var count: Int { bytes.count + insertedBytes }

    mutating func append(_ reply: Reply, tag: Tag?) {
        switch reply {
        case .message(let channel, let body, let attributes) where body.count >= Self.leastInsertedBytes:
            append(.owned(body), from: channel, with: attributes, tag: tag)
        case .data(let body, let attributes)
        where body.count >= Self.leastInsertedBytes && attributes.others.isEmpty:
            append(data: .owned(body), attributes.common, tag: tag)
        default: bytes.append(reply, tag: tag)
        }
    }

    /// Appends an answer.
    mutating func append(data: MessageBytes, _ attributes: CommonAttributes, tag: Tag?) {
        switch data {
        case .owned(let body) where body.count >= Self.leastInsertedBytes,
            .shared(let body) where body.count >= Self.leastSharedBytes:
            bytes.append(headOfData: body.count, attributes, tag: tag)
            insert(body)
        case .borrowed, .owned, .shared:
            data.withUnsafeBytes { bytes.append(data: $0, attributes, tag: tag) }
        }
    }

    /// Appends `OK`.
    mutating func append(ok attributes: CommonAttributes, tag: Tag?) { bytes.append(ok: attributes, tag: tag) }

    mutating func append(_ message: MessageBytes, from channel: ChannelName, _ attributes: CommonAttributes, tag: Tag?)
    {
        switch message {
        case .borrowed(let message): bytes.append(message, from: channel, attributes, tag: tag)
        case .owned(let body):
            append(body, from: channel, attributes, tag: tag, insertingFrom: Self.leastInsertedBytes)
        case .shared(let body):
            append(body, from: channel, attributes, tag: tag, insertingFrom: Self.leastSharedBytes)
        }
    }

    private mutating func append(
        _ body: Body, from channel: ChannelName, _ attributes: CommonAttributes, tag: Tag?, insertingFrom least: Int
    ) {
        if body.count >= least {
            append(large: body, from: channel, attributes, tag: tag)
        } else {
            body.withUnsafeBytes { bytes.append($0, from: channel, attributes, tag: tag) }
        }
    }

    /// Appends a message with rare attributes.
    mutating func append(
        _ message: MessageBytes, from channel: ChannelName, with attributes: Attributes, tag: Tag?
    ) {
        bytes.append(headOfMessage: message.count, from: channel, attributes, tag: tag)
        switch message {
        case .owned(let body) where body.count >= Self.leastInsertedBytes,
            .shared(let body) where body.count >= Self.leastSharedBytes:
            insert(body)
        case .borrowed, .owned, .shared: message.withUnsafeBytes { bytes.append(messageBytes: $0) }
        }
    }

    /// Appends a message of a counted receive.
    mutating func append(_ message: MessageBytes, behind head: MessageHead, _ attributes: CommonAttributes) {
        switch message {
        case .borrowed(let message): bytes.append(message, behind: head, attributes)
        case .owned(let body): append(body, behind: head, attributes, insertingFrom: Self.leastInsertedBytes)
        case .shared(let body): append(body, behind: head, attributes, insertingFrom: Self.leastSharedBytes)
        }
    }

    private mutating func append(
        _ body: Body, behind head: MessageHead, _ attributes: CommonAttributes, insertingFrom least: Int
    ) {
        if body.count >= least {
            bytes.append(headOfMessage: body.count, behind: head, attributes)
            insert(body)
        } else {
            body.withUnsafeBytes { bytes.append($0, behind: head, attributes) }
        }
    }

    private mutating func append(large body: Body, from channel: ChannelName, _ attributes: CommonAttributes, tag: Tag?)
    {
        bytes.append(headOfMessage: body.count, from: channel, attributes, tag: tag)
        insert(body)
    }

    private mutating func insert(_ body: Body) {
        note(Insertion(offset: bytes.count, body: body))
        bytes.appendEndOfMessage()
    }

    mutating func append(_ other: borrowing EncodedReplies) {
        for insertion in other.insertions {
            note(Insertion(offset: bytes.count + insertion.offset, body: insertion.body))
        }
        bytes.append(contentsOf: other.bytes)
    }

    private mutating func note(_ insertion: Insertion) {
        if insertions.last?.sharesBody(with: insertion) != true { distinctBytes += insertion.body.count }
        insertedBytes += insertion.body.count
        insertions.append(insertion)
    }

    /// Removes the first insertion.
    mutating func removeFirstInsertion() {
        let first = insertions.removeFirst()
        insertedBytes -= first.body.count
        if insertions.first?.sharesBody(with: first) != true { distinctBytes -= first.body.count }
    }
}
