import SluiceWire

/// What a request asks for.
enum Route: Sendable, Equatable {
    /// Whether the process runs.
    case health
    /// Whether the hub takes new work.
    case readiness
    /// The methods of a path, for `OPTIONS`.
    case methods([String])
    case send(ChannelName, options: [String], wantsAnswer: Bool)
    case receive(ChannelName, timeout: String?)
    /// Receives under a lease that the HTTP client ends.
    case lease(ChannelName, for: String, timeout: String?)
    /// Ends or renews such a lease.
    case delivery(token: String, LeaseRequest)
    case report(Inspection)
    case metrics
    /// Streams handoffs as they happen.
    case trace(prefix: ChannelName?)
    /// Receives messages without end.
    case stream(ChannelName)
    case webSocket(WebSocketHandshake)
    /// Streams the reports that the dashboard shows, as they change.
    case live
    /// Runs one command.
    case command(Command)
    /// A file of the dashboard.
    case page(String)

    /// What a request does with a message under a lease. For `acknowledge`, the body of the request is the answer to a
    /// call.
    enum LeaseRequest: Sendable, Equatable {
        case acknowledge
        case other(DeliveryAction)
    }

    /// The prefixes of the paths of channels, deliveries, reports, and single channels among the reports.
    private static let channels = "/c/"
    private static let deliveries = "/d/"
    private static let reports = "/v1/"
    fileprivate static let channelReports = "/v1/channels/"

    /// - Throws: ``Refusal`` if there is nothing at the path, or if the path does not have the method, a parameter or a
    ///   body.
    init(_ head: RequestHead) throws(Refusal) {
        try self.init(of: head)
        guard takesBody || !head.hasBody else { throw Refusal(.badRequest, "this request must not have a body") }
    }

    /// Whether the request may have a body, which is a message or an answer.
    private var takesBody: Bool {
        switch self {
        case .send, .delivery(_, .acknowledge): true
        case .health, .readiness, .methods, .receive, .lease, .delivery, .report, .metrics, .trace, .stream, .webSocket,
            .live, .command, .page:
            false
        }
    }

    private init(of head: RequestHead) throws(Refusal) {
        let methods = try Self.methods(of: head.target.path)
        if head.method == "OPTIONS" {
            self = .methods(methods)
            return
        }
        guard methods.contains(head.method) else { throw Refusal(allowing: methods) }
        if let file = Dashboard.file(at: head.target.path) {
            self = .page(file)
            return
        }
        switch head.target.path {
        case "/healthz", "/readyz", "/metrics", "/v1/live":
            _ = try Parameters(of: head, allowing: [])
            self =
                switch head.target.path {
                case "/healthz": .health
                case "/readyz": .readiness
                case "/v1/live": .live
                default: .metrics
                }
        case "/v1/trace":
            self = .trace(prefix: try Parameters(of: head, allowing: ["prefix"]).prefix())
        case "/ws":
            _ = try Parameters(of: head, allowing: [])
            self = .webSocket(try WebSocketHandshake(head))
        case let path where path.hasPrefix(Self.deliveries): self = try .leaseRequest(head)
        case let path where path.hasPrefix(Self.reports) && head.method == "DELETE": self = .command(try .ending(head))
        case let path where path.hasPrefix(Self.reports): self = .report(try .reporting(head))
        default:
            let channel = try Self.channel(of: head.target)
            self = head.method == "POST" ? try .sending(head, on: channel) : try .receiving(head, from: channel)
        }
    }

    private static func methods(of path: String) throws(Refusal) -> [String] {
        switch path {
        case "/healthz", "/readyz", "/metrics": return ["GET", "HEAD", "OPTIONS"]
        case "/v1/live", "/v1/trace", "/ws": return ["GET", "OPTIONS"]
        case _ where Dashboard.file(at: path) != nil: return ["GET", "HEAD", "OPTIONS"]
        case "/v1/clients": return ["GET", "HEAD", "DELETE", "OPTIONS"]
        case _ where path.hasPrefix(channelReports): return ["DELETE", "OPTIONS"]
        case "*": return ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"]
        case _ where path.hasPrefix(deliveries): return ["POST", "PATCH", "DELETE", "OPTIONS"]
        case _ where Inspection.Subject(path: path) != nil: return ["GET", "HEAD", "OPTIONS"]
        case _ where path.hasPrefix(channels): return ["GET", "POST", "OPTIONS"]
        default: throw Refusal(.notFound, "there is nothing at this path; docs/http.md lists the paths")
        }
    }

    private static func channel(of target: RequestTarget) throws(Refusal) -> ChannelName {
        guard target.path.hasPrefix(channels),
            let channel = ChannelName(String(target.decodedPath.dropFirst(channels.count)))
        else { throw Refusal(.badRequest, ChannelName.rule) }
        return channel
    }

    private static func sending(_ head: RequestHead, on channel: ChannelName) throws(Refusal) -> Route {
        let parameters = try Parameters(of: head, allowing: ["timeout", "until", "need", "delay", "call"])
        let isCall = try parameters.flag("call")
        var options: [String] = []
        for name in ["timeout", "until", "need", "delay"] {
            guard let option = try parameters.option(name) else { continue }
            guard !isCall || name == "timeout" else {
                throw Refusal(.badRequest, "a call must not have the parameter \(name)")
            }
            options.append(option)
        }
        if let key = head["idempotency-key"] {
            guard let id = MessageID(key) else {
                throw Refusal(
                    .badRequest,
                    "Idempotency-Key must be 1 to \(Limits.maxMessageIDBytes) bytes of A-Z a-z 0-9 . _ : / -")
            }
            options.append("id=\(id)")
        }
        if let trace = TraceParent.context(of: head) { options.append("trace=\(trace)") }
        return .send(channel, options: options, wantsAnswer: isCall)
    }

    /// The longest lease by token. A lease counts as a connection but needs no socket. Without this limit, a client could
    /// quickly occupy all connections for years.
    private static let longestLease = Duration.seconds(3600)

    private static func receiving(_ head: RequestHead, from channel: ChannelName) throws(Refusal) -> Route {
        try BrowserRules.checkTaking(head)
        let parameters = try Parameters(of: head, allowing: ["timeout", "lease", "stream"])
        let timeout = try parameters.word("timeout")
        if try parameters.flag("stream") {
            guard timeout == nil, try parameters.word("lease") == nil else {
                throw Refusal(.badRequest, "a stream must not have the parameters timeout and lease")
            }
            return .stream(channel)
        }
        guard let lease = try parameters.word("lease") else { return .receive(channel, timeout: timeout) }
        if let duration = Duration(protocolText: lease), duration > longestLease {
            throw Refusal(.badRequest, "the lease must be at most 1h; PATCH begins its time again")
        }
        return .lease(channel, for: lease, timeout: timeout)
    }

    private static func leaseRequest(_ head: RequestHead) throws(Refusal) -> Route {
        let token = String(head.target.path.dropFirst(deliveries.count))
        switch head.method {
        case "POST":
            _ = try Parameters(of: head, allowing: [])
            return .delivery(token: token, .acknowledge)
        case "PATCH":
            _ = try Parameters(of: head, allowing: [])
            return .delivery(token: token, .other(.touch))
        default:
            let parameters = try Parameters(of: head, allowing: ["delay", "reject"])
            let delay = try parameters.duration("delay")
            guard let reason = parameters.text("reject") else {
                return .delivery(token: token, .other(.nack(delay: delay)))
            }
            guard delay == nil else {
                throw Refusal(.badRequest, "pass the parameter reject or delay, not both")
            }
            return .delivery(token: token, .other(.reject(reason: reason)))
        }
    }
}

/// The parameters of a request's query.
private struct Parameters {
    private let values: [String: String]

    /// - Throws: ``Refusal`` for a parameter that the route does not have.
    init(of head: RequestHead, allowing names: [String]) throws(Refusal) {
        var values: [String: String] = [:]
        for parameter in head.target.parameters {
            guard names.contains(parameter.name) else {
                let known = names.isEmpty ? "none" : names.joined(separator: ", ")
                throw Refusal(.badRequest, "unknown parameter; the parameters here are \(known)")
            }
            values[parameter.name] = parameter.value
        }
        self.values = values
    }

    /// The value of a parameter, which becomes a word of a command; nil if the request does not have it.
    func word(_ name: String) throws(Refusal) -> String? {
        guard let value = values[name] else { return nil }
        guard !value.isEmpty, value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Refusal(.badRequest, "the parameter \(name) must be one word of visible ASCII characters")
        }
        return value
    }

    /// The parameter as an option of a command.
    func option(_ name: String) throws(Refusal) -> String? { try word(name).map { "\(name)=\($0)" } }

    /// The value of a parameter that may be any text.
    func text(_ name: String) -> String? { values[name] }

    /// The value of a parameter that is a name.
    func name(_ name: String) throws(Refusal) -> ChannelName? {
        guard let value = values[name] else { return nil }
        guard let valid = ChannelName(value) else {
            throw Refusal(.badRequest, "the parameter \(name) is malformed: \(ChannelName.rule)")
        }
        return valid
    }

    /// The parameter `prefix`; nil if it is empty, because every name begins with the empty prefix.
    func prefix() throws(Refusal) -> ChannelName? { values["prefix"] == "" ? nil : try name("prefix") }

    /// The value of a parameter that is a duration, as it is written.
    func duration(_ name: String) throws(Refusal) -> String? {
        guard let value = values[name] else { return nil }
        guard Duration(protocolText: value) != nil else {
            throw Refusal(.badRequest, "the parameter \(name) must be 0 or a duration such as 500ms, 10s, 5m or 1h")
        }
        return value
    }

    func flag(_ name: String) throws(Refusal) -> Bool {
        switch values[name] {
        case nil, "0": return false
        case "1": return true
        case _?: throw Refusal(.badRequest, "the parameter \(name) must be 1 or 0")
        }
    }
}

extension Command {
    /// Reads a request that ends a channel or connections: `DELETE /v1/channels/NAME`, `DELETE /v1/clients`.
    fileprivate static func ending(_ head: RequestHead) throws(Refusal) -> Command {
        guard head.target.path.hasPrefix(Route.channelReports) else {
            let parameters = try Parameters(of: head, allowing: ["address", "principal", "reason"])
            switch (try parameters.word("address"), try parameters.name("principal")) {
            case (let address?, nil):
                return .kill(KillCommand(.client(address), reason: parameters.text("reason")))
            case (nil, let principal?):
                return .kill(KillCommand(.principal(principal), reason: parameters.text("reason")))
            default:
                throw Refusal(.badRequest, "pass one of the parameters address and principal")
            }
        }
        let name = String(head.target.decodedPath.dropFirst(Route.channelReports.count))
        guard let channel = ChannelName(name) else {
            throw Refusal(.badRequest, ChannelName.rule)
        }
        let parameters = try Parameters(of: head, allowing: ["poison"])
        guard let reason = parameters.text("poison") else { return .close(channel) }
        return .poison(channel, reason.isEmpty ? nil : reason)
    }
}

extension Inspection {
    /// Reads a request for a report.
    fileprivate static func reporting(_ head: RequestHead) throws(Refusal) -> Inspection {
        guard let subject = Subject(path: head.target.path) else {
            throw Refusal(.notFound, "there is no such report")
        }
        let own = subject.parameter
        let parameters = try Parameters(
            of: head, allowing: (subject.hasPages ? ["after", "limit"] : []) + [own].compactMap(\.self))
        var inspection = Inspection(subject, format: .json)
        switch subject {
        case .channels: inspection.subject = .channels(prefix: try parameters.prefix())
        case .waiters: inspection.subject = .waiters(channel: try parameters.name("channel"))
        case .server, .clients, .stuck: break
        }
        inspection.page.after = try parameters.name("after")
        if let limit = try parameters.word("limit") {
            guard let number = Int(limit), number > 0 else {
                throw Refusal(.badRequest, "the parameter limit must be a whole number of at least 1")
            }
            inspection.page.limit = number
        }
        return inspection
    }
}

extension Inspection.Subject {
    /// Returns nil for a path without a report.
    fileprivate init?(path: String) {
        switch path {
        case "/v1/info": self = .server
        case "/v1/channels": self = .channels(prefix: nil)
        case "/v1/waiters": self = .waiters(channel: nil)
        case "/v1/clients": self = .clients
        case "/v1/stuck": self = .stuck
        default: return nil
        }
    }

    /// The parameter that limits the report to some channels.
    fileprivate var parameter: String? {
        switch self {
        case .channels: "prefix"
        case .waiters: "channel"
        case .server, .clients, .stuck: nil
        }
    }
}
