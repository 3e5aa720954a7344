extension Request {
    /// Appends the request as a client sends it: a line and the bodies that it announces.
    ///
    /// A message is always sent as a body with `len=`, so that no byte in it can end the line early.
    package func append(to out: inout [UInt8]) {
        if let tag {
            out.append(tag)
            out.append(.space)
        }
        switch command {
        case .hello(let features): out.append(hello: features)
        case .authenticate(let credentials): out.append(credentials)
        case .name(let label, let waitsForAll): out.append(waitsForAll ? "NAME waits=all" : "NAME", label)
        case .ping(let body): out.append(ping: body)
        case .send(let command): out.append(command)
        case .receive(let command): out.append(command)
        case .select(let command): out.append(command)
        case .barrier(let command): out.append(command)
        case .acknowledge(let command): out.append(command)
        case .nack(let command): out.append(command)
        case .reject(let command): out.append(command)
        case .touch(let delivery): out.append("TOUCH", delivery)
        case .open(let command): out.append(command)
        case .close(let channel): out.append("CLOSE", channel)
        case .poison(let channel, let reason): out.append(poison: channel, reason)
        case .redrive(let command): out.append(command)
        case .join(let command): out.append(command)
        case .leave(let end): out.append(leave: end)
        case .inspect(let inspection): out.append(inspection)
        case .trace(let command): out.append(command)
        case .kill(let command): out.append(command)
        case .cancel(let tag): out.append(cancel: tag)
        case .help(let verb): out.append(help: verb)
        case .quit: out.append("QUIT\n")
        }
    }
}

/// The connection itself, and reports.
extension [UInt8] {
    /// Appends a line that consists of a verb and a name.
    fileprivate mutating func append(_ verb: StaticString, _ name: ChannelName) {
        append(verb)
        append(.space)
        append(name)
        append(.lineFeed)
    }

    fileprivate mutating func append(hello features: Set<Feature>?) {
        append("HELLO")
        if let features { append(contentsOf: " features=\(Feature.text(of: features))".utf8) }
        append(.lineFeed)
    }

    /// Replaces bytes that would end the token. Such a token is wrong, but it cannot become a second command. The line
    /// ends in CR LF, so that a carriage return at the end of the token stays part of it.
    fileprivate mutating func append(_ credentials: Credentials) {
        append("AUTH ")
        append(credentials.principal)
        append(.space)
        append(contentsOf: credentials.token.map { $0 == .space || $0 == .lineFeed ? UInt8(ascii: "?") : $0 })
        append("\r\n")
    }

    /// Replaces bytes that would end the address, as in a token.
    fileprivate mutating func append(_ command: KillCommand) {
        append("KILL")
        switch command.target {
        case .client(let address):
            append(" client=")
            append(contentsOf: address.utf8.map { $0 == .space || $0 == .lineFeed ? UInt8(ascii: "?") : $0 })
        case .principal(let name):
            append(" principal=")
            append(name)
        }
        if let reason = command.reason, !reason.isEmpty {
            append(.space)
            append(sanitizing: reason)
        }
        append(.lineFeed)
    }

    fileprivate mutating func append(ping body: Body) {
        guard !body.isEmpty else { return append("PING\n") }
        append("PING")
        append(" len=", body.count)
        append(.lineFeed)
        append(framed: body)
    }

    fileprivate mutating func append(_ inspection: Inspection) {
        append(contentsOf: inspection.subject.verb.rawValue.utf8)
        append(format: inspection.format)
        if let key = inspection.page.after {
            append(" after=")
            append(key)
        }
        append(" limit=", inspection.page.limit)
        switch inspection.subject {
        case .channels(let name), .waiters(let name): append(last: name)
        case .server, .clients, .stuck: append(last: nil)
        }
    }

    fileprivate mutating func append(_ command: TraceCommand) {
        append("TRACE")
        append(format: command.format)
        append(last: command.prefix)
    }

    private mutating func append(format: ReportFormat) {
        append(" format=", format == .text ? nil : format)
    }

    /// Appends an optional last operand and the end of the line.
    private mutating func append(last name: ChannelName?) {
        if let name {
            append(.space)
            append(name)
        }
        append(.lineFeed)
    }

    fileprivate mutating func append(cancel tag: Tag) {
        append("CANCEL ")
        append(tag)
        append(.lineFeed)
    }

    fileprivate mutating func append(help verb: Verb?) {
        append("HELP")
        if let verb {
            append(.space)
            append(contentsOf: verb.rawValue.utf8)
        }
        append(.lineFeed)
    }
}
