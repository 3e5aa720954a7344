extension Request {
    /// Appends the request as a client sends it: a line and the bodies that it announces.
    ///
    /// Bodies always go behind `len=`, whatever is in them: so no message, however it is made, ends a line early.
    package func append(to out: inout [UInt8]) {
        if let tag {
            out.append(tag)
            out.append(.space)
        }
        switch command {
        case .hello: out.append("HELLO\n")
        case .ping(let body): out.append(ping: body)
        case .send(let command): out.append(command)
        case .receive(let command): out.append(command)
        case .select(let command): out.append(command)
        case .cancel(let tag): out.append(cancel: tag)
        case .help(let verb): out.append(help: verb)
        case .quit: out.append("QUIT\n")
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(ping body: Body) {
        guard !body.isEmpty else { return append("PING\n") }
        append("PING len=")
        append(decimal: body.count)
        append(.lineFeed)
        append(framed: body)
    }

    fileprivate mutating func append(_ command: SendCommand) {
        append("SEND")
        append(timeout: command.timeout)
        append(waitsAfterEOF: command.waitsAfterEOF)
        append(" len=")
        append(decimal: command.body.count)
        append(.space)
        append(command.channel)
        append(.lineFeed)
        append(framed: command.body)
    }

    fileprivate mutating func append(_ command: ReceiveCommand) {
        append("RECV")
        append(timeout: command.timeout)
        append(waitsAfterEOF: command.waitsAfterEOF)
        append(.space)
        append(command.channel)
        append(.lineFeed)
    }

    fileprivate mutating func append(_ command: SelectCommand) {
        append("SELECT")
        append(timeout: command.timeout)
        append(waitsAfterEOF: command.waitsAfterEOF)
        if command.order != .fair {
            append(" order=")
            append(contentsOf: command.order.rawValue.utf8)
        }
        var separator: StaticString = " "
        for arm in command.arms {
            append(separator)
            append(arm)
            separator = " | "
        }
        if command.hasElse { append(" | else") }
        append(.lineFeed)
        for case .send(_, let body) in command.arms { append(framed: body) }
    }

    private mutating func append(_ arm: Arm) {
        switch arm {
        case .receive(let channel):
            append("recv ")
            append(channel)
        case .send(let channel, let body):
            append("send len=")
            append(decimal: body.count)
            append(.space)
            append(channel)
        }
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

    private mutating func append(framed body: Body) {
        append(contentsOf: body)
        append(.lineFeed)
    }

    /// Durations are sent in milliseconds, rounded up: never is less asked for than was meant.
    private mutating func append(timeout: Duration?) {
        guard let timeout else { return }
        let (seconds, attoseconds) = Swift.min(Swift.max(timeout, .zero), Limits.maxDuration).components
        let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
        let milliseconds = (attoseconds + attosecondsPerMillisecond - 1) / attosecondsPerMillisecond
        append(" timeout=")
        append(decimal: Int(seconds * 1000 + milliseconds))
        append("ms")
    }

    private mutating func append(waitsAfterEOF: Bool) {
        if waitsAfterEOF { append(" eof=wait") }
    }
}
