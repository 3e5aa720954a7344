import Logging
import SluiceHub
import SluiceRuntime

extension DaemonLog {
    /// Writes what a client did, or what happened to it.
    func write(_ event: ClientEvent) {
        let (level, message, counted) = event.kind.summary
        let limited = LimitedEvent(message: message, detail: counted, origin: LimitedEvent.Origin(event))
        write(level, about: limited) {
            LogLimiter.Key(
                kind: counted.map { "\(message): \($0)" } ?? message, origin: Self.origin(of: event.address))
        } _: {
            var fields = [(key: "client", value: event.address)]
            if let principal = event.principal { fields.append(("principal", principal)) }
            if let command = event.command { fields.append(("command", command)) }
            return LogRecord(level, message, fields + event.kind.details)
        }
    }

    /// Writes that a reactor's loop is blocked, or was.
    ///
    /// - Parameter command: the command that ran when this was noticed. Nil if none ran.
    func write(_ blocked: BlockedLoop, _ command: ClientActivity.RunningCommand?) {
        var fields: [(key: String, value: String)] = []
        if let command {
            fields.append(("client", command.address))
            if let principal = command.principal { fields.append(("principal", principal)) }
            if let command = command.command { fields.append(("command", command)) }
        }
        fields.append(("loop", blocked.reactor))
        if let task = blocked.task { fields.append(("task", task)) }
        fields.append(("for", "\(blocked.duration)"))
        let message = blocked.hasEnded ? "the loop was blocked" : "the loop is blocked"
        write(
            .warning, message, fields, kind: message,
            origin: command.map { Self.origin(of: $0.address) } ?? blocked.reactor)
    }

    /// The IPv4 address of a client without its port, or the /64 network of its IPv6 address, which one host commonly
    /// has to itself.
    private static func origin(of address: String) -> String {
        switch try? SocketAddress(address) {
        case .ipv4(let number, _):
            "\(SocketAddress.ipv4(number, port: 0))".split(separator: ":").first.map(String.init) ?? address
        case .ipv6(let number, _, _): String(number >> 64, radix: 16) + "::/64"
        case .unix: "unix"
        case nil: address
        }
    }
}

extension ClientEvent.Kind {
    /// The level and the message of the line, and the detail with which such lines are counted.
    fileprivate var summary: (level: Logger.Level, message: String, counted: String?) {
        switch self {
        case .closed(let ending): (ending.isFault ? .notice : .debug, "connection closed", ending.rawValue)
        case .handshakeFailed: (.notice, "TLS handshake failed", nil)
        case .proxyRefused: (.notice, "connection through a proxy refused", nil)
        case .authenticated: (.info, "authenticated", nil)
        case .poisoned: (.notice, "channel poisoned", nil)
        case .limited(let message): (.notice, "command refused", message)
        case .deadLetterWaits: (.warning, "rejected messages wait for their dead channel", nil)
        }
    }

    fileprivate var details: [(key: String, value: String)] {
        switch self {
        case .closed(let ending): [("reason", ending.rawValue)]
        case .handshakeFailed(let reason), .proxyRefused(let reason): [("reason", reason)]
        case .authenticated: []
        case .poisoned(let channel, let reason): [("channel", channel)] + (reason.map { [("reason", $0)] } ?? [])
        case .limited(let message): [("limit", message)]
        case .deadLetterWaits(let channel, let dead, let obstacle):
            [("channel", channel), ("dead", dead), ("because", obstacle.rawValue)]
        }
    }
}

extension ConnectionEnding {
    /// Whether the ending is logged at a level that operators see by default.
    fileprivate var isFault: Bool {
        switch self {
        // A failed handshake has a line of its own.
        case .quit, .endOfInput, .reset, .tls, .drained, .stopped: false
        case .silent, .refused, .denied, .revoked, .killed, .slowLine, .memory, .stalled, .backlog, .tooMany,
            .tooManyOfAddress,
            .tooManyOfPrincipal, .noDescriptor:
            true
        }
    }
}
