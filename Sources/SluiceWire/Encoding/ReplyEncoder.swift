extension Reply {
    /// Appends the reply as the server sends it: its tag if it has one, a line, and the bytes the line announces.
    package func append(to out: inout [UInt8], tag: Tag? = nil) {
        if case .message(let channel, let body, let attributes) = self {
            return out.append(message: body, from: channel, attributes, tag: tag)
        } else if let tag {
            out.append(tag)
            out.append(.space)
        } else if case .ok(let attributes) = self, attributes.isEmpty {
            // The most frequent reply by far, in one piece.
            return out.append("OK\n")
        }
        switch self {
        case .ok(let attributes): out.append("OK", attributes)
        case .message: break
        case .data(let body): out.append(data: body)
        case .timeout: out.append("TIMEOUT")
        case .closed(let channel, let reason): out.append("CLOSED ", channel, reason)
        case .poisoned(let channel, let reason): out.append("POISONED ", channel, reason)
        case .cancelled(let reason): out.append("CANCELLED", reason)
        case .maybe(let reason): out.append("MAYBE", reason)
        case .otherwise(let attributes): out.append("ELSE", attributes)
        case .end: out.append("END")
        case .error(let error): out.append(error)
        }
        out.append(.lineFeed)
    }
}

extension Reply {
    /// The body of a message that has so many bytes or more; nil in every other reply.
    package func messageBody(ofAtLeast bytes: Int) -> Body? {
        guard case .message(_, let body, _) = self, body.count >= bytes else { return nil }
        return body
    }

    /// Appends only what comes before the body of a message; then come its bytes, and what `endMessage` appends.
    package func appendHead(to out: inout [UInt8], tag: Tag?) {
        guard case .message(let channel, let body, let attributes) = self else { return }
        out.append(messageOf: body.count, from: channel, attributes, tag: tag)
    }

    /// Appends the line end that follows a body.
    package static func endMessage(in out: inout [UInt8]) {
        out.append(.lineFeed)
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ word: StaticString, _ attributes: [Attribute]) {
        append(word)
        append(attributes)
    }

    fileprivate mutating func append(_ attributes: [Attribute]) {
        for attribute in attributes {
            append(.space)
            append(contentsOf: attribute.key.description.utf8)
            append(.equals)
            append(contentsOf: attribute.value.utf8)
        }
    }

    fileprivate mutating func append(
        message body: Body, from channel: ChannelName, _ attributes: [Attribute], tag: Tag?
    ) {
        append(messageOf: body.count, from: channel, attributes, tag: tag)
        append(contentsOf: body)
        append(.lineFeed)
    }

    mutating func append(messageOf length: Int, from channel: ChannelName, _ attributes: [Attribute], tag: Tag?) {
        append(atMost: RoomWriter.messageHeadCapacity + RoomWriter.mostDigits) { room in
            room.putMessageHead(tag, channel)
            room.put(decimal: length)
        }
        append(attributes)
        append(.lineFeed)
    }

    fileprivate mutating func append(data body: Body) {
        append("DATA ")
        append(decimal: body.count)
        append(.lineFeed)
        append(contentsOf: body)
    }

    fileprivate mutating func append(_ word: StaticString, _ channel: ChannelName, _ reason: String?) {
        append(word)
        append(channel)
        append(reason: reason)
    }

    fileprivate mutating func append(_ word: StaticString, _ reason: String?) {
        append(word)
        append(reason: reason)
    }

    fileprivate mutating func append(_ error: WireError) {
        append("ERR ")
        append(contentsOf: error.code.description.utf8)
        append(reason: error.message)
    }

    private mutating func append(reason: String?) {
        guard let reason, !reason.isEmpty else { return }
        append(.space)
        append(sanitizing: reason)
    }
}
