import SluiceWire

/// What one request does with the hub: the commands that it sends, and the response that follows from their replies.
///
/// An exchange does no I/O. The commands have no tags, so their replies come in order.
protocol Exchange {
    /// The command to begin with, as bytes of the line protocol.
    mutating func begin() -> [UInt8]

    /// Continues with the reply to the last command.
    mutating func receive(_ reply: Reply) -> ExchangeStep

    /// Continues when the client's kernel has confirmed the response of ``ExchangeStep/deliver(_:)``. Returns the last
    /// command, whose reply changes nothing.
    mutating func delivered() -> [UInt8]?
}

extension Exchange {
    mutating func delivered() -> [UInt8]? { nil }
}

/// The next step of an exchange.
enum ExchangeStep {
    /// Sends another command.
    case command([UInt8])
    /// Answers the request, which ends the exchange.
    case respond(Response)
    /// Answers the request. If the HTTP client does not get the response, the hub's client breaks off, and the message
    /// returns to its channel.
    case deliver(Response)
    /// Answers the request with a token for the message's lease. The lease lasts for the duration, and outlives the
    /// connection.
    case handOver(Response, DeliveryID, for: Duration)
    /// Performs an action on the lease that another request has got.
    case act(DeliveryAction, token: String)
}

/// Turns replies of the hub into responses.
extension Response {
    /// A response for a receive that has timed out.
    static func nothingReceived(_ reply: Reply) -> Response {
        var response = Response(outcome: reply)
        response.status = .noContent
        response.body = []
        return response
    }

    /// A response for a reply that says how a command ended.
    init(outcome reply: Reply) {
        self.init(reply.status)
        headers.append("Sluice-Outcome: \(reply.outcome)")
        switch reply {
        case .message(_, let bytes, let attributes), .data(let bytes, let attributes):
            contentType = "application/octet-stream"
            body = bytes
            if let trace = attributes.trace?.description, TraceParent.isValid(trace) {
                headers.append("traceparent: \(trace)")
            }
        default:
            if status != .noContent { body = Array("\(reply.explanation)\n".utf8) }
        }
        if status == .unauthorized { headers += Response(Refusal(.unauthorized, "")).headers }
    }
}

extension Reply {
    /// The status for the reply to a command that sends or ends a lease. A receive that times out differs.
    var status: Status {
        switch self {
        case .ok(let attributes): attributes.isDropped || attributes.isKept ? .accepted : .ok
        case .message, .data, .otherwise, .end: .ok
        case .timeout, .timeoutWithoutReceivers: .requestTimeout
        case .closed, .poisoned: .gone
        case .rejected: .rejected
        case .cancelled("dropped"?): .conflict
        case .cancelled: .unavailable
        case .maybe: .inDoubt
        case .error(let error): error.code.status
        }
    }

    /// The reply for programs: its words, without names, lengths and texts.
    var outcome: String {
        switch self {
        case .ok(let attributes): (["OK"] + Self.words(attributes)).joined(separator: " ")
        case .message(_, _, let attributes): (["MSG"] + Self.words(attributes)).joined(separator: " ")
        case .data(_, let attributes): (["DATA"] + Self.words(attributes)).joined(separator: " ")
        case .timeout: "TIMEOUT"
        case .timeoutWithoutReceivers: "TIMEOUT receivers=0"
        case .closed: "CLOSED"
        case .poisoned: "POISONED"
        case .rejected: "REJECTED"
        case .cancelled(let reason): "CANCELLED" + (reason.map { " \($0)" } ?? "")
        case .maybe(let reason): "MAYBE \(reason)"
        case .otherwise: "ELSE"
        case .end: "END"
        case .error(let error): "ERR \(error.code)"
        }
    }

    /// The attributes, without the id of a delivery, which means nothing to an HTTP client.
    private static func words(_ attributes: Attributes) -> [String] {
        attributes.filter { $0.key != .delivery }.map { "\($0.key)=\($0.value)" }
    }

    /// What happened, in one line for people.
    var explanation: String {
        switch self {
        case .ok(let attributes) where attributes.isDropped: "the channel was full and dropped the message"
        case .ok(let attributes) where attributes.isKept: "kept: no receiver has acknowledged it yet"
        case .ok: "ok"
        case .timeout: "the time ran out, and it did not happen"
        case .timeoutWithoutReceivers: "the time ran out, and it did not happen: nobody receives from the channel"
        case .closed(_, let reason, _): "the channel is closed" + Self.clause(reason)
        case .poisoned(_, let reason, _): "the channel was poisoned" + Self.clause(reason)
        case .rejected(_, let reason, _): "the message was rejected" + Self.clause(reason)
        case .cancelled(let reason): "it was withdrawn and did not happen" + Self.clause(reason)
        case .maybe(let reason): "in doubt, a receiver may have the message" + Self.clause(reason)
        case .error(let error): error.message
        case .message, .data, .otherwise, .end: ""
        }
    }

    private static func clause(_ reason: String?) -> String { reason.map { ": \($0)" } ?? "" }
}

extension WireError.Code {
    /// The status for a command that was refused.
    fileprivate var status: Status {
        switch self {
        case .authRequired: .unauthorized
        case .denied: .forbidden
        case .conflict: .conflict
        case .stale: .gone
        case .notFound: .notFound
        case .limit: .tooManyRequests
        case .tooBig: .bodyTooLarge
        case .draining: .unavailable
        default: .badRequest
        }
    }
}
