import SluiceWire

/// What a request asks for.
enum Route: Sendable, Equatable {
    /// Whether the process serves at all.
    case health
    /// Whether the hub takes new work.
    case readiness
    /// The methods of a path, for `OPTIONS`.
    case methods([String])
    case send(ChannelName, options: [String], wantsAnswer: Bool)
    case receive(ChannelName, timeout: String?)

    /// The prefix of the paths of channels.
    private static let channels = "/c/"

    /// - Throws: ``Refusal`` if there is nothing at the path, or it does not have the method or the parameters.
    init(_ head: RequestHead) throws(Refusal) {
        let methods = try Self.methods(of: head.target.path)
        if head.method == "OPTIONS" {
            self = .methods(methods)
            return
        }
        guard methods.contains(head.method) else { throw Refusal(allowing: methods) }
        switch head.target.path {
        case "/healthz", "/readyz":
            _ = try Parameters(of: head, allowing: [])
            self = head.target.path == "/healthz" ? .health : .readiness
        default:
            let channel = try Self.channel(of: head.target.path)
            self = head.method == "POST" ? try .sending(head, on: channel) : try .receiving(head, from: channel)
        }
    }

    private static func methods(of path: String) throws(Refusal) -> [String] {
        switch path {
        case "/healthz", "/readyz": return ["GET", "HEAD", "OPTIONS"]
        case "*": return ["GET", "HEAD", "POST", "OPTIONS"]
        case _ where path.hasPrefix(channels): return ["GET", "POST", "OPTIONS"]
        default: throw Refusal(.notFound, "there is nothing at this path; docs/http.md lists what there is")
        }
    }

    private static func channel(of path: String) throws(Refusal) -> ChannelName {
        guard path.hasPrefix(channels), let channel = ChannelName(String(path.dropFirst(channels.count))) else {
            throw Refusal(.badRequest, ChannelName.rule)
        }
        return channel
    }

    private static func sending(_ head: RequestHead, on channel: ChannelName) throws(Refusal) -> Route {
        let parameters = try Parameters(of: head, allowing: ["timeout", "until", "need", "delay", "call"])
        var options: [String] = []
        for name in ["timeout", "until", "need", "delay"] {
            if let option = try parameters.option(name) { options.append(option) }
        }
        if let key = head["idempotency-key"] {
            guard let id = MessageID(key) else {
                throw Refusal(
                    .badRequest,
                    "Idempotency-Key must be 1 to \(Limits.maxMessageIDBytes) bytes of A-Z a-z 0-9 . _ : / -")
            }
            options.append("id=\(id)")
        }
        return .send(channel, options: options, wantsAnswer: try parameters.flag("call"))
    }

    private static func receiving(_ head: RequestHead, from channel: ChannelName) throws(Refusal) -> Route {
        guard head.contentLength == 0 else { throw Refusal(.badRequest, "a GET has no body") }
        try BrowserRules.checkTaking(head)
        return .receive(channel, timeout: try Parameters(of: head, allowing: ["timeout"]).word("timeout"))
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

    func flag(_ name: String) throws(Refusal) -> Bool {
        switch values[name] {
        case nil, "0": return false
        case "1": return true
        case _?: throw Refusal(.badRequest, "the parameter \(name) must be 1 or 0")
        }
    }
}
