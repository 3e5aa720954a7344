import SluiceWire

/// What a response of server-sent events does with the hub: the commands that it sends, and the events that follow from
/// their replies. Does no I/O.
protocol EventStream {
    /// The commands to begin with, as bytes of the line protocol. The reply to the last one, such as a `PING`, shows
    /// that the others were not refused.
    mutating func begin() -> [UInt8]

    /// Continues with a reply of the hub.
    ///
    /// - Parameter tag: the tag of the command that the reply answers; nil for a command without a tag.
    mutating func receive(_ reply: Reply, _ tag: Tag?) -> StreamStep

    /// Continues when the client's kernel has confirmed all events. Returns the next commands.
    mutating func confirmed() -> [UInt8]

    /// How long the stream pauses when all events are confirmed; nil if it does not.
    var pause: Duration? { get }

    /// Continues after the pause. Returns the next commands.
    mutating func resume() -> [UInt8]

    /// The memory that the stream uses for its client.
    var heldBytes: Int { get }
}

extension EventStream {
    var pause: Duration? { nil }
    mutating func resume() -> [UInt8] { [] }
    var heldBytes: Int { 0 }
}

/// The next step of a stream.
enum StreamStep {
    /// Sends further commands.
    case command([UInt8])
    /// Begins the response. Events follow later.
    case open
    /// Begins the response if it has not begun, and writes events.
    case events([ServerSentEvent])
    /// The hub has ended the stream. If the response has begun, it ends with an event that says so; otherwise, the
    /// request gets an ordinary response.
    case end(Reply)
    case none
}

/// A server-sent event, as `EventSource` in browsers reads it.
struct ServerSentEvent: Sendable, Equatable {
    /// The name of the event; nil for `message`.
    var name: String?
    var data: [UInt8]
    /// The trace context of a message. It is a field of its own, which `EventSource` ignores.
    var trace: TraceContext?

    /// The most lines of a message that is written as text. Each line takes some bytes and time more than its own.
    private static let mostLines = 1000

    /// Makes an event of a message. An event can hold only text whose lines end with LF. Other messages are written in
    /// base64, and so are messages of very many lines.
    init(message: [UInt8], trace: TraceContext? = nil) {
        let isText = Self.isText(message)
        name = isText ? nil : "base64"
        data = isText ? message : Base64.encode(message)
        self.trace = trace
    }

    private static func isText(_ message: [UInt8]) -> Bool {
        var lineCount = 1
        for byte in message {
            if byte == 0x0D || byte == 0 { return false }
            if byte == 0x0A { lineCount += 1 }
        }
        return lineCount <= mostLines && String(validating: message, as: UTF8.self) != nil
    }

    init(_ name: String?, data: [UInt8]) {
        self.name = name
        self.data = data
    }

    init(_ name: String?, _ text: String) { self.init(name, data: Array(text.utf8)) }

    /// Makes the last event of a stream, which says how the hub has ended it.
    init(end reply: Reply) {
        self.init("end", "\(reply.outcome)\n\(reply.explanation)")
    }

    /// The bytes of the event.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count + 32)
        if let name { bytes += "event: \(name)\n".utf8 }
        if let trace { bytes += "trace: \(trace)\n".utf8 }
        for line in data.split(separator: 0x0A, omittingEmptySubsequences: false) {
            bytes += "data: ".utf8
            bytes += line
            bytes.append(0x0A)
        }
        bytes.append(0x0A)
        return bytes
    }

    /// A comment, which is written when there was no event for a while.
    static let heartbeat = Array(":\n\n".utf8)
}

/// Streams handoffs as they happen: `GET /v1/trace`.
///
/// The hub skips handoffs while the client does not read, and says how many.
struct TraceStream: EventStream {
    let prefix: ChannelName?

    mutating func begin() -> [UInt8] {
        Array("#t TRACE format=json\(prefix.map { " \($0)" } ?? "")\nPING\n".utf8)
    }

    mutating func receive(_ reply: Reply, _ tag: Tag?) -> StreamStep {
        guard tag != nil else { return .open }
        guard case .data(let body, _) = reply else { return .end(reply) }
        return .events([ServerSentEvent(nil, data: body)])
    }

    mutating func confirmed() -> [UInt8] { [] }
}

/// Receives messages without end: `GET /c/NAME?stream=1`.
///
/// Each message is under a lease until the client's kernel has confirmed its event. So no message is lost if the client
/// is gone before that.
struct MessageStream: EventStream {
    /// The most messages that the client's kernel has not confirmed.
    private static let window = 16

    private let channel: ChannelName
    private var hasLease = true
    /// The messages that the client's kernel has not confirmed.
    private var unconfirmed: [DeliveryID] = []

    init(from channel: ChannelName) { self.channel = channel }

    mutating func begin() -> [UInt8] { command + "PING\n".utf8 }

    private var command: [UInt8] {
        let lease = hasLease ? " \(ReceiveExchange.lease) window=\(Self.window)" : ""
        return Array("#s RECV count=*\(lease) \(channel)\n".utf8)
    }

    mutating func receive(_ reply: Reply, _ tag: Tag?) -> StreamStep {
        guard tag != nil else { return .open }
        switch reply {
        case .message(_, let bytes, let attributes):
            if let delivery = attributes.delivery { unconfirmed.append(delivery) }
            return .events([ServerSentEvent(message: bytes, trace: attributes.trace)])
        // Messages of this channel have several receivers, and no leases.
        case .error(let error) where error.code == .conflict && hasLease:
            hasLease = false
            return .command(command)
        default: return .end(reply)
        }
    }

    mutating func confirmed() -> [UInt8] {
        defer { unconfirmed = [] }
        return unconfirmed.flatMap { Array("ACK \($0)\n".utf8) }
    }
}
