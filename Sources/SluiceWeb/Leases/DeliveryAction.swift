import SluiceWire

/// What a client does with a message that it holds under a lease.
enum DeliveryAction: Sendable, Equatable {
    /// Acknowledges the message, with an answer to a call. An empty answer stands for none.
    case acknowledge(answer: [UInt8])
    /// Returns the message to its channel, which offers it again after the delay.
    case nack(delay: String?)
    case reject(reason: String)
    /// Renews the lease.
    case touch

    /// The command, as bytes of the line protocol.
    func command(for delivery: DeliveryID) -> [UInt8] {
        switch self {
        case .acknowledge(let answer):
            guard !answer.isEmpty else { return Array("ACK \(delivery)\n".utf8) }
            return Array("ACK len=\(answer.count) \(delivery)\n".utf8) + answer + [0x0A]
        case .nack(let delay):
            return Array("NACK\(delay.map { " delay=\($0)" } ?? "") \(delivery)\n".utf8)
        case .reject(let reason):
            var bytes: [UInt8] = []
            Request(tag: nil, command: .reject(RejectCommand(delivery, reason: reason))).append(to: &bytes)
            return bytes
        case .touch: return Array("TOUCH \(delivery)\n".utf8)
        }
    }

    /// Whether the reply shows that the lease has ended.
    func endsLease(with reply: Reply) -> Bool {
        switch reply {
        case .ok: if case .touch = self { false } else { true }
        case .error(let error): error.code == .stale
        default: false
        }
    }
}

/// Checks the credentials of a request that ends a lease: `POST /d/TOKEN` and others.
///
/// The lease belongs to another client of the hub. The `PING` of this one only shows that the hub accepts its
/// credentials.
struct DeliveryExchange: Exchange {
    let token: String
    let action: DeliveryAction

    mutating func begin() -> [UInt8] { Array("PING\n".utf8) }

    mutating func receive(_ reply: Reply) -> ExchangeStep {
        if case .ok = reply { .act(action, token: token) } else { .respond(Response(outcome: reply)) }
    }
}

/// Receives a message under a lease that the HTTP client ends with a token: `GET /c/NAME?lease=D`.
struct LeaseExchange: Exchange {
    let channel: ChannelName
    let lease: String
    let timeout: String?

    mutating func begin() -> [UInt8] {
        Array("RECV timeout=\(timeout ?? ReceiveExchange.defaultTimeout) lease=\(lease) \(channel)\n".utf8)
    }

    mutating func receive(_ reply: Reply) -> ExchangeStep {
        switch reply {
        case .message(_, _, let attributes):
            guard let delivery = attributes.delivery else { return .respond(Response(outcome: reply)) }
            return .handOver(Response(outcome: reply), delivery, for: Duration(protocolText: lease) ?? .zero)
        case .timeout, .timeoutWithoutReceivers: return .respond(.nothingReceived(reply))
        default: return .respond(Response(outcome: reply))
        }
    }
}
