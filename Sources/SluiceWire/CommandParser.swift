/// Parses the part of a line after its tag. One verb, one function.
struct CommandParser {
    let limits: Limits

    /// What follows the line before the command is complete.
    private(set) var bodies: AnnouncedBodies

    init(limits: Limits) {
        self.limits = limits
        bodies = AnnouncedBodies(limits: limits)
    }

    /// The command of a line that is nothing but a verb, or nil if it is no such line.
    ///
    /// A short way to what `command` finds, for `PING`, of which more come in a second than of anything else: it takes a
    /// quarter of the time.
    static func bareCommand(_ line: ByteView) -> Command? {
        guard line.count <= Verb.longestBare, let verb = Verb.vocabulary.word(ignoringCase: line) else { return nil }
        switch verb {
        case .hello: return .hello
        case .ping: return .ping([])
        case .help: return .help(nil)
        case .quit: return .quit
        case .send, .receive, .select, .cancel: return nil
        }
    }

    mutating func command(_ words: inout Words) throws(WireError) -> Command {
        switch try verb(&words) {
        case .hello: try hello(&words)
        case .ping: try ping(&words)
        case .send: try send(&words)
        case .receive: try receive(&words)
        case .select: try select(&words)
        case .cancel: try cancel(&words)
        case .help: try help(&words)
        case .quit: try quit(&words)
        }
    }

    private func verb(_ words: inout Words) throws(WireError) -> Verb {
        let word = try words.next(orMissing: "a verb is missing; HELP lists them")
        if let verb = Verb.vocabulary.word(ignoringCase: word) { return verb }
        guard word.allSatisfy(\.isKeyByte) else {
            throw WireError(.syntax, "a line begins with a verb, or a tag and a verb")
        }
        throw WireError(.unknownCommand, "no such verb; HELP lists them")
    }

    private func hello(_ words: inout Words) throws(WireError) -> Command {
        _ = try Options(&words)
        try words.end()
        return .hello
    }

    private mutating func ping(_ words: inout Words) throws(WireError) -> Command {
        let options = try Options(&words, allowing: [.length])
        return .ping(try bodies.body(&words, length: options.length))
    }

    private mutating func send(_ words: inout Words) throws(WireError) -> Command {
        let options = try Options(&words, allowing: [.timeout, .length, .eof])
        let channel = try words.channel()
        let body = try bodies.body(&words, length: options.length)
        return .send(
            SendCommand(channel: channel, body: body, timeout: options.timeout, waitsAfterEOF: options.waitsAfterEOF))
    }

    private func receive(_ words: inout Words) throws(WireError) -> Command {
        let options = try Options(&words, allowing: [.timeout, .eof])
        let channel = try words.channel()
        try words.end()
        return .receive(
            ReceiveCommand(channel: channel, timeout: options.timeout, waitsAfterEOF: options.waitsAfterEOF))
    }

    private mutating func select(_ words: inout Words) throws(WireError) -> Command {
        let options = try Options(&words, allowing: [.timeout, .order, .eof])
        let (arms, hasElse) = try arms(&words)
        guard !hasElse || options.timeout == nil else {
            throw WireError(.badOption, "a select with else never waits; timeout= has no meaning there")
        }
        return .select(
            SelectCommand(
                arms: arms, hasElse: hasElse, order: options.order ?? .fair, timeout: options.timeout,
                waitsAfterEOF: options.waitsAfterEOF))
    }

    private func cancel(_ words: inout Words) throws(WireError) -> Command {
        _ = try Options(&words)
        guard let tag = try words.tag() else { throw WireError(.syntax, "CANCEL names a tag: CANCEL #tag") }
        try words.end()
        return .cancel(tag)
    }

    private func help(_ words: inout Words) throws(WireError) -> Command {
        _ = try Options(&words)
        guard !words.isAtEnd else { return .help(nil) }
        let verb = try verb(&words)
        try words.end()
        return .help(verb)
    }

    private func quit(_ words: inout Words) throws(WireError) -> Command {
        _ = try Options(&words)
        try words.end()
        return .quit
    }
}

extension CommandParser {
    /// The arms of a select, and whether an `else` ends them.
    private mutating func arms(_ words: inout Words) throws(WireError) -> (arms: [Arm], hasElse: Bool) {
        guard !words.isAtEnd else { throw WireError(.syntax, "SELECT names at least one arm") }
        var sequence = ArmSequence(words.text())
        var arms: [Arm] = []
        while let text = sequence.next() {
            guard arms.count < limits.maxSelectArms else {
                throw WireError(.limit, "a select has at most \(limits.maxSelectArms) arms")
            }
            if let arm = try arm(text, number: arms.count) {
                arms.append(arm)
                continue
            }
            guard sequence.isAtEnd, !arms.isEmpty else {
                throw WireError(.syntax, "else is the last arm, and never the only one")
            }
            return (arms, true)
        }
        return (arms, false)
    }

    /// The arm that `text` spells, or nil for `else`.
    private mutating func arm(_ text: ByteView, number: Int) throws(WireError) -> Arm? {
        var words = Words(text)
        let word = try words.next(orMissing: "an arm is empty")
        guard let kind = ArmKind.vocabulary.word(ignoringCase: word) else {
            throw WireError(.syntax, "an arm begins with recv or send, or is a last else")
        }
        switch kind {
        case .receive:
            _ = try Options(&words)
            let channel = try words.channel()
            try words.end()
            return .receive(channel)
        case .send:
            let options = try Options(&words, allowing: [.length])
            let channel = try words.channel()
            return .send(channel, try bodies.body(&words, length: options.length, arm: number))
        case .otherwise:
            try words.end()
            return nil
        }
    }
}
