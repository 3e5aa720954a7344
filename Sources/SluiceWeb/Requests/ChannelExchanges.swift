import SluiceWire

/// Sends the request's body as a message: `POST /c/NAME`.
struct SendExchange: Exchange {
    /// Empty once it is sent, because then the hub has the message.
    private var command: [UInt8]

    /// - Parameters:
    ///   - options: the options of the command, as the line protocol writes them.
    ///   - wantsAnswer: whether the receiver may answer the message.
    init(_ body: ArraySlice<UInt8>, on channel: ChannelName, _ options: [String], wantsAnswer: Bool) {
        var line = wantsAnswer ? "CALL" : "SEND"
        for option in options { line += " \(option)" }
        line += " len=\(body.count) \(channel)\n"
        command = Array(line.utf8) + body + [0x0A]
    }

    mutating func begin() -> [UInt8] {
        defer { command = [] }
        return command
    }

    mutating func receive(_ reply: Reply) -> ExchangeStep { .respond(Response(outcome: reply)) }
}

/// Receives a message: `GET /c/NAME`.
///
/// The message is under a lease until the client's kernel has confirmed the whole response. So no message is lost if
/// the client is gone before that.
struct ReceiveExchange: Exchange {
    /// How long a client without a timeout waits. Many proxies end a request after a minute.
    static let defaultTimeout = "50s"
    /// The lease of a message that is being delivered. Longer than any client may take to read its response.
    static let lease = "lease=1h"

    private let channel: ChannelName
    private let timeout: String
    private var hasLease = true
    private var delivery: DeliveryID?

    init(from channel: ChannelName, timeout: String?) {
        self.channel = channel
        self.timeout = timeout ?? Self.defaultTimeout
    }

    mutating func begin() -> [UInt8] { command }

    private var command: [UInt8] {
        Array("RECV timeout=\(timeout)\(hasLease ? " \(Self.lease)" : "") \(channel)\n".utf8)
    }

    mutating func receive(_ reply: Reply) -> ExchangeStep {
        switch reply {
        case .message(_, _, let attributes):
            delivery = attributes.delivery
            return .deliver(Response(outcome: reply))
        case .timeout, .timeoutWithoutReceivers: return .respond(.nothingReceived(reply))
        // Messages of this channel have several receivers, and no leases.
        case .error(let error) where error.code == .conflict && hasLease:
            hasLease = false
            return .command(command)
        default: return .respond(Response(outcome: reply))
        }
    }

    mutating func delivered() -> [UInt8]? {
        delivery.map { Array("ACK \($0)\n".utf8) }
    }
}
