import SluiceRuntime
import SluiceWire

/// The text of a stored hub. Each line is a record: its kind, and fields as `key=value` in which all bytes are visible
/// ASCII. A field `bytes=N` says that N bytes and a line end follow the line.
///
///     sluice-state version=1
///     hub saved=<milliseconds since 1970> epochs=<epoch>,<epoch>
///     client holder=<holder> address=<address>
///     channel name=<name> kind=<kind> …
///     message place=<place> … bytes=5
///     hello
///     id channel=<name> id=<id> … result=<result>
///     end digest=sha256:<of all bytes before this line>
///
/// A message belongs to the channel before it. `payer=` is the number of a client, from 0.
extension StoredHub {
    /// The version of the text that `write` produces.
    static let version = 1

    /// Writes the text in pieces.
    ///
    /// - Parameters:
    ///   - time: the time by the clock, in milliseconds since 1970.
    ///   - pieceBytes: the size at which a piece is complete, in bytes. A piece ends with a record.
    ///   - sink: gets each piece.
    package func write<Failure: Error>(
        savedAt time: Int, pieceBytes: Int = 1 << 20, to sink: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        var writer = RecordWriter()
        writer.begin("sluice-state")
        writer.add("version", Self.version)
        writer.begin("hub")
        writer.add("saved", time)
        writer.add("epochs", epochs.map { String($0) }.joined(separator: ","))
        for client in clients { writer.append(client) }
        for channel in channels {
            writer.append(channel)
            for message in channel.messages {
                writer.append(message)
                if writer.bytes.count >= pieceBytes { try sink(writer.takePiece()) }
            }
            if writer.bytes.count >= pieceBytes { try sink(writer.takePiece()) }
        }
        for send in sends {
            writer.append(send)
            if writer.bytes.count >= pieceBytes { try sink(writer.takePiece()) }
        }
        writer.end()
        try sink(writer.takePiece())
    }
}

/// Writes records.
private struct RecordWriter {
    private(set) var bytes: [UInt8] = []
    private let digest = ContentDigest()

    /// Ends the last record, and returns all bytes since the last piece.
    mutating func takePiece() -> [UInt8] {
        endLine()
        digest.add(bytes)
        defer { bytes = [] }
        return bytes
    }

    /// Begins a record.
    mutating func begin(_ kind: String) {
        endLine()
        bytes += kind.utf8
    }

    private mutating func endLine() {
        if !bytes.isEmpty, bytes.last != .lineFeed { bytes.append(.lineFeed) }
    }

    /// Adds a field whose value has no byte that must be encoded.
    mutating func add(_ key: String, _ value: String) {
        bytes.append(.space)
        bytes += key.utf8
        bytes.append(.equals)
        bytes += value.utf8
    }

    mutating func add(_ key: String, _ number: some BinaryInteger) { add(key, String(number)) }

    /// Adds a field with any text. Adds none for nil.
    mutating func add(_ key: String, encoding text: String?) {
        if let text { add(key, PercentEncoding.encode(text)) }
    }

    /// Adds a field if the value differs from the usual one.
    mutating func add(_ key: String, _ number: Int, unless usual: Int) { if number != usual { add(key, number) } }
    mutating func add(_ key: String, flag: Bool) { if flag { add(key, "yes") } }

    /// Adds bytes behind the record, and ends it.
    mutating func add(body: Body) {
        add("bytes", body.count)
        bytes.append(.lineFeed)
        bytes += body
        bytes.append(.lineFeed)
    }

    mutating func end() {
        endLine()
        digest.add(bytes)
        let record = "end digest=\(digest.finish())\n"
        bytes += record.utf8
    }
}

extension RecordWriter {
    fileprivate mutating func append(_ client: StoredClient) {
        begin("client")
        switch client.holder {
        case .principal(let name): add("holder", "principal:\(name)")
        case .origin(.ipv4(let address)): add("holder", "ipv4:\(address)")
        case .origin(.ipv6Network(let network)): add("holder", "ipv6:\(network)")
        case .origin(.user(let user)): add("holder", "user:\(user)")
        case .local: add("holder", "local")
        }
        add("address", encoding: client.address)
    }

    fileprivate mutating func append(_ channel: StoredChannel) {
        begin("channel")
        add("name", channel.name.description)
        switch channel.declaration {
        case .queue(let capacity, let overflow):
            add("kind", "queue")
            add("capacity", capacity)
            add("overflow", overflow.rawValue)
        case .broadcast: add("kind", "broadcast")
        case .once: add("kind", "once")
        }
        add("declared", flag: channel.isDeclared)
        if let policy = channel.policy {
            add("policy", flag: true)
            if let most = policy.maxAttempts { add("max-attempts", most) }
            if let dead = policy.deadChannel { add("dead", dead.description) }
            if let delay = policy.retryDelay { add("retry", delay.wholeNanoseconds) }
        }
        if let payer = channel.payer { add("payer", payer) }
        switch channel.ending {
        case .closed(let reason)?:
            add("ending", "closed")
            add("reason", encoding: reason)
        case .poisoned(let reason)?:
            add("ending", "poisoned")
            add("reason", encoding: reason)
        case nil: break
        }
        add("lost-receivers", flag: channel.hasLostReceivers)
        add("sent", channel.counts.sent, unless: 0)
        add("taken", channel.counts.taken, unless: 0)
        add("redelivered", channel.counts.redelivered, unless: 0)
        add("rejected", channel.counts.rejected, unless: 0)
    }

    fileprivate mutating func append(_ message: StoredMessage) {
        begin("message")
        switch message.place {
        case .buffered: add("place", "buffered")
        case .returned: add("place", "returned")
        case .delayed(let nanoseconds):
            add("place", "delayed")
            add("delay", nanoseconds)
        case .held(let reason):
            add("place", "held")
            add("reason", encoding: reason)
        }
        add("uses-space", flag: message.usesSpace)
        add("position", message.position)
        add("payer", message.payer)
        add("attempts", message.attempts, unless: 0)
        append(message.key, "")
        add("remembered", flag: message.isRemembered)
        if let origin = message.origin {
            add("from", origin.from.description)
            add("from-attempts", origin.attempts)
            add("from-reason", encoding: origin.reason)
            append(origin.key, "from-")
        }
        if let trace = message.trace { add("trace", encoding: trace.description) }
        add(body: message.body)
    }

    /// Adds the fields of an id.
    private mutating func append(_ key: SendKey?, _ prefix: String) {
        guard let key else { return }
        add(prefix + "id", key.id.description)
        add(prefix + "channel", key.channel.description)
        if let principal = key.principal { add(prefix + "principal", principal.description) }
    }

    fileprivate mutating func append(_ send: StoredSend) {
        begin("id")
        append(send.key, "")
        add("payer", send.payer)
        switch send.result {
        case .delivered: add("result", "delivered")
        case .rejected(let reason, let isOfCall):
            add("result", isOfCall ? "call-rejected" : "rejected")
            add("reason", encoding: reason)
        case .rejectedLater: add("result", "rejected-later")
        case .unanswered: add("result", "unanswered")
        case .answerForgotten: add("result", "answer-forgotten")
        case .answered(let body):
            add("result", "answered")
            add(body: body)
        }
    }
}

extension UInt8 {
    static var lineFeed: UInt8 { UInt8(ascii: "\n") }
    fileprivate static var space: UInt8 { UInt8(ascii: " ") }
    fileprivate static var equals: UInt8 { UInt8(ascii: "=") }
}
