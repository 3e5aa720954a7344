/// The encoder of all replies.
extension BoundedWriter {
    /// Puts the reply as the server sends it: the tag if there is one, a line, and the body that the line announces.
    fileprivate mutating func put(_ reply: Reply, tag: Tag?) {
        put(tag)
        switch reply {
        case .ok(let attributes):
            putOK()
            put(attributes)
        case .message(let channel, let body, let attributes):
            putMessageHead(from: channel)
            put(decimal: body.count)
            put(attributes)
            put(UInt8.lineFeed)
            body.withUnsafeBytes { put($0) }
        case .data(let body, let attributes):
            put("DATA " as StaticString)
            put(decimal: body.count)
            put(attributes)
            put(UInt8.lineFeed)
            body.withUnsafeBytes { put($0) }
        case .timeout: put("TIMEOUT" as StaticString)
        case .timeoutWithoutReceivers: put("TIMEOUT receivers=0" as StaticString)
        case .closed(let channel, let reason, let arm): put("CLOSED ", channel, arm, reason)
        case .poisoned(let channel, let reason, let arm): put("POISONED ", channel, arm, reason)
        case .rejected(let channel, let reason, let arm): put("REJECTED ", channel, arm, reason)
        case .cancelled(let reason): put("CANCELLED", reason)
        case .maybe(let reason): put("MAYBE", reason)
        case .otherwise(let attributes):
            put("ELSE" as StaticString)
            put(attributes)
        case .end: put("END" as StaticString)
        case .error(let error):
            put("ERR " as StaticString)
            put(error.code.description)
            put(reason: error.message)
        }
        put(UInt8.lineFeed)
    }

    @inline(__always)
    fileprivate mutating func putOK() {
        put(UInt8(ascii: "O"))
        put(UInt8(ascii: "K"))
    }

    /// Puts the line that announces a message, without the tag.
    fileprivate mutating func putMessageHead(
        _ byteCount: Int, from channel: ChannelName, _ attributes: CommonAttributes
    ) {
        putMessageHead(from: channel)
        putLengthOfMessage(byteCount, attributes)
    }

    fileprivate mutating func putMessageHead(from channel: ChannelName) {
        put("MSG " as StaticString)
        put(channel.description)
        put(UInt8.space)
    }

    @inline(__always)
    fileprivate mutating func putLengthOfMessage(_ byteCount: Int, _ attributes: CommonAttributes) {
        put(decimal: byteCount)
        put(attributes)
        put(UInt8.lineFeed)
    }

    /// Puts the line that announces an answer.
    fileprivate mutating func putHead(ofData byteCount: Int, _ attributes: CommonAttributes, tag: Tag?) {
        put(tag)
        put("DATA " as StaticString)
        putLengthOfMessage(byteCount, attributes)
    }

    @inline(__always)
    fileprivate mutating func put(_ tag: Tag?) {
        if let tag { putPresent(tag) }
    }

    private mutating func putPresent(_ tag: Tag) {
        put(UInt8.numberSign)
        put(tag.description)
        put(UInt8.space)
    }

    private mutating func put(_ word: StaticString, _ channel: ChannelName, _ arm: Int32?, _ reason: String?) {
        put(word)
        put(channel.description)
        if let arm {
            put(" arm=", Int(arm))
        } else if let reason, reason.utf8.starts(with: "arm=".utf8) {
            // The space at the beginning keeps a reader from taking the reason for the arm of a select.
            return put(reason: " " + reason)
        }
        put(reason: reason)
    }

    private mutating func put(_ word: StaticString, _ reason: String?) {
        put(word)
        put(reason: reason)
    }

    private mutating func put(reason: String?) {
        guard let reason, !reason.isEmpty else { return }
        put(UInt8.space)
        put(sanitizing: reason)
    }

    fileprivate mutating func put(_ attributes: Attributes) {
        put(attributes.common)
        for attribute in attributes.others {
            put(UInt8.space)
            put(attribute.key.description)
            put(UInt8.equals)
            put(attribute.value)
        }
    }

    @inline(__always)
    fileprivate mutating func put(_ attributes: CommonAttributes) {
        if !attributes.isEmpty { putPresent(attributes) }
    }

    private mutating func putPresent(_ attributes: CommonAttributes) {
        if let delivery = attributes.delivery {
            put(" did=" as StaticString)
            put(decimal: Int(delivery.serial))
            put(UInt8(ascii: "."))
            put(decimal: Int(delivery.slot))
        }
        if attributes.attempt > 0 { put(" attempt=", Int(attributes.attempt)) }
        if attributes.fence > 0 { put(" fence=", Int(attributes.fence)) }
        if attributes.isCall { put(" call=yes" as StaticString) }
        if let receivers = attributes.receivers { put(" receivers=", receivers) }
        if attributes.isDuplicate { put(" dup=yes" as StaticString) }
        if attributes.isDropped { put(" dropped=yes" as StaticString) }
        if attributes.isKept { put(" kept=yes" as StaticString) }
        if let arm = attributes.arm { put(" arm=", arm) }
    }

    private mutating func put(_ key: StaticString, _ number: Int) {
        put(key)
        put(decimal: number)
    }
}

/// The upper bounds for the sizes of encoded replies.
extension Reply {
    /// A tag with its `#` and space, the first word, a name, the length of a body or an arm, a reason, and two line
    /// ends.
    private static let capacityOfLine =
        Limits.maxTagBytes + Limits.maxNameBytes + Limits.maxReasonBytes + 2 * BoundedWriter.mostDigits + 32

    fileprivate var encodedCapacity: Int {
        switch self {
        case .ok(let attributes), .otherwise(let attributes): Self.capacityOfLine + attributes.encodedCapacity
        case .message(_, let body, let attributes):
            Self.encodedCapacity(ofMessage: body.count) + attributes.encodedCapacity
        case .data(let body, let attributes): Self.capacityOfLine + attributes.encodedCapacity + body.count
        case .timeout, .timeoutWithoutReceivers, .closed, .poisoned, .rejected, .cancelled, .maybe, .end, .error:
            Self.capacityOfLine
        }
    }

    /// For a message with common attributes.
    fileprivate static func encodedCapacity(ofMessage byteCount: Int) -> Int { capacityOfOK + byteCount }

    /// For an `OK` with common attributes: nine keys of at most nine bytes, each with a space, `=`, and a number.
    fileprivate static let capacityOfOK = capacityOfLine + 9 * (11 + BoundedWriter.mostDigits)
}

extension Attributes {
    fileprivate var encodedCapacity: Int {
        others.reduce(9 * (11 + BoundedWriter.mostDigits)) {
            $0 + $1.key.description.utf8.count + $1.value.utf8.count + 2
        }
    }
}

extension Reply {
    /// Appends the reply as the server sends it.
    package func append(to out: inout [UInt8], tag: Tag? = nil) {
        out.append(atMost: encodedCapacity) { $0.put(self, tag: tag) }
    }
}

/// The part of a message before its length, `#tag MSG channel `, for all messages of one channel to one receiver. A
/// counted receive encodes it only once, because encoding it for each message took a tenth of the time of a streamed
/// message.
package struct MessageHead: Sendable {
    fileprivate private(set) var bytes: [UInt8] = []

    package init(from channel: ChannelName, tag: Tag?) {
        bytes.append(atMost: Reply.encodedCapacity(ofMessage: 0)) { writer in
            writer.put(tag)
            writer.putMessageHead(from: channel)
        }
    }
}

extension ByteBuffer {
    /// Appends a reply as the server sends it.
    package mutating func append(_ reply: Reply, tag: Tag?) {
        append(atMost: reply.encodedCapacity) { $0.put(reply, tag: tag) }
    }

    /// Appends `OK`.
    package mutating func append(ok attributes: CommonAttributes, tag: Tag?) {
        append(atMost: Reply.capacityOfOK) { writer in
            writer.put(tag)
            writer.putOK()
            writer.put(attributes)
            writer.put(UInt8.lineFeed)
        }
    }

    /// Appends `OK` without attributes, which is by far the most frequent reply.
    package mutating func appendOK(tag: RequestParser.RepeatedTag) {
        append(atMost: tag.bytes.count + 3) { writer in
            writer.put(tag.bytes)
            writer.putOK()
            writer.put(UInt8.lineFeed)
        }
    }

    /// Appends an answer as the server sends it.
    package mutating func append(data: UnsafeRawBufferPointer, _ attributes: CommonAttributes, tag: Tag?) {
        append(atMost: Reply.encodedCapacity(ofMessage: data.count)) { writer in
            writer.putHead(ofData: data.count, attributes, tag: tag)
            writer.put(data)
            writer.put(UInt8.lineFeed)
        }
    }

    /// Appends the line before the bytes of an answer. The caller must append the bytes, and then call
    /// ``appendEndOfMessage()``.
    package mutating func append(headOfData byteCount: Int, _ attributes: CommonAttributes, tag: Tag?) {
        append(atMost: Reply.encodedCapacity(ofMessage: 0)) { $0.putHead(ofData: byteCount, attributes, tag: tag) }
    }

    /// Appends a message of a counted receive.
    package mutating func append(
        _ message: UnsafeRawBufferPointer, behind head: MessageHead, _ attributes: CommonAttributes
    ) {
        append(atMost: Reply.encodedCapacity(ofMessage: message.count)) { writer in
            head.bytes.withUnsafeBytes { writer.put($0) }
            writer.putLengthOfMessage(message.count, attributes)
            writer.put(message)
            writer.put(UInt8.lineFeed)
        }
    }

    /// Appends the line before the bytes of a message of a counted receive. The caller must append the bytes, and then
    /// call ``appendEndOfMessage()``.
    package mutating func append(headOfMessage byteCount: Int, behind head: MessageHead, _ attributes: CommonAttributes)
    {
        append(atMost: Reply.encodedCapacity(ofMessage: 0)) { writer in
            head.bytes.withUnsafeBytes { writer.put($0) }
            writer.putLengthOfMessage(byteCount, attributes)
        }
    }

    /// Appends a message as the server sends it.
    package mutating func append(
        _ message: UnsafeRawBufferPointer, from channel: ChannelName, _ attributes: CommonAttributes, tag: Tag?
    ) {
        append(atMost: Reply.encodedCapacity(ofMessage: message.count)) { writer in
            writer.put(tag)
            writer.putMessageHead(message.count, from: channel, attributes)
            writer.put(message)
            writer.put(UInt8.lineFeed)
        }
    }

    /// Appends the line before the bytes of a message. The caller must append the bytes, and then call
    /// ``appendEndOfMessage()``.
    package mutating func append(
        headOfMessage byteCount: Int, from channel: ChannelName, _ attributes: CommonAttributes, tag: Tag?
    ) {
        append(atMost: Reply.encodedCapacity(ofMessage: 0)) { writer in
            writer.put(tag)
            writer.putMessageHead(byteCount, from: channel, attributes)
        }
    }

    /// Appends the line before the bytes of a message that may have attributes without a property of their own. The
    /// caller must append the bytes, and then their line end.
    package mutating func append(
        headOfMessage byteCount: Int, from channel: ChannelName, _ attributes: Attributes, tag: Tag?
    ) {
        append(atMost: Reply.encodedCapacity(ofMessage: 0) + attributes.encodedCapacity) { writer in
            writer.put(tag)
            writer.putMessageHead(from: channel)
            writer.put(decimal: byteCount)
            writer.put(attributes)
            writer.put(UInt8.lineFeed)
        }
    }

    /// Appends the bytes of a message, and the line end that follows them.
    package mutating func append(messageBytes: UnsafeRawBufferPointer) {
        append(atMost: messageBytes.count + 1) { writer in
            writer.put(messageBytes)
            writer.put(UInt8.lineFeed)
        }
    }

    /// Appends the line end that follows the bytes of a message.
    package mutating func appendEndOfMessage() {
        append(atMost: 1) { $0.put(UInt8.lineFeed) }
    }
}
