import Logging
import SluiceHub
import SluiceRuntime

extension DaemonLog {
    /// Writes what a client did, or what happened to it.
    func write(_ event: ClientEvent) {
        var fields = [(key: "client", value: event.address)]
        if let principal = event.principal { fields.append(("principal", principal)) }
        if let command = event.command { fields.append(("command", command)) }
        let (level, message, details) = event.kind.described
        var kind = message
        if let (key, value) = details.first, key == "reason" || key == "limit" { kind += ": \(value)" }
        if case .poisoned = event.kind { kind = message }
        write(level, message, fields + details, kind: kind, origin: Self.origin(of: event.address))
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
    fileprivate var described: (Logger.Level, message: String, details: [(key: String, value: String)]) {
        switch self {
        case .closed(let ending):
            (ending.isFault ? .notice : .debug, "connection closed", [("reason", ending.rawValue)])
        case .authenticated: (.info, "authenticated", [])
        case .poisoned(let channel, let reason):
            (.notice, "channel poisoned", [("channel", channel)] + (reason.map { [("reason", $0)] } ?? []))
        case .limited(let message): (.notice, "command refused", [("limit", message)])
        case .deadLetterWaits(let channel, let dead, let obstacle):
            (
                .warning, "rejected messages wait for their dead channel",
                [("channel", channel), ("dead", dead), ("because", obstacle.rawValue)]
            )
        }
    }
}

extension ConnectionEnding {
    /// Whether the ending is logged at a level that operators see by default.
    fileprivate var isFault: Bool {
        switch self {
        case .quit, .endOfInput, .reset, .drained, .stopped: false
        case .silent, .refused, .denied, .revoked, .killed, .slowLine, .memory, .stalled, .backlog, .tooMany,
            .tooManyOfAddress,
            .tooManyOfPrincipal, .noDescriptor:
            true
        }
    }
}
