/// Parses the part of a line after its tag, with one function for each verb.
struct CommandParser {
    let limits: Limits

    /// Whether the line has a tag. Commands with several replies need one, so that the client can match the replies.
    let isTagged: Bool

    /// The bodies that follow the line and complete the command.
    var bodies: AnnouncedBodies

    init(limits: Limits, isTagged: Bool) {
        self.limits = limits
        self.isTagged = isTagged
        bodies = AnnouncedBodies(limits: limits)
    }

    mutating func command(_ words: inout WordReader) throws(WireError) -> Command {
        switch try verb(&words) {
        case .hello: try hello(&words)
        case .authenticate: try authenticate(&words)
        case .name: try name(&words)
        case .ping: try ping(&words)
        case .send: try send(&words)
        case .call: try call(&words)
        case .receive: try receive(&words)
        case .select: try select(&words)
        case .barrier: try barrier(&words)
        case .acknowledge: try acknowledge(&words)
        case .nack: try nack(&words)
        case .reject: try reject(&words)
        case .touch: try touch(&words)
        case .open: try open(&words)
        case .close: try close(&words)
        case .poison: try poison(&words)
        case .redrive: try redrive(&words)
        case .join: try join(&words)
        case .leave: try leave(&words)
        case .info: try info(&words)
        case .channels: try channels(&words)
        case .waiters: try waiters(&words)
        case .clients: try clients(&words)
        case .stuck: try stuck(&words)
        case .trace: try trace(&words)
        case .kill: try kill(&words)
        case .cancel: try cancel(&words)
        case .help: try help(&words)
        case .quit: try quit(&words)
        }
    }

    private func verb(_ words: inout WordReader) throws(WireError) -> Verb {
        let word = try words.next(orMissing: "the verb is missing; HELP lists the verbs")
        if let verb = Verb.vocabulary.word(ignoringCase: word) ?? Verb(habitual: word) { return verb }
        guard word.allSatisfy(\.isKeyByte) else {
            throw WireError(.syntax, "a line must begin with a verb, or with a tag and a verb")
        }
        throw WireError(.unknownCommand, "no such verb; HELP lists them")
    }
}

/// The connection itself.
extension CommandParser {
    private func hello(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.features])
        try words.end()
        return .hello(understanding: options.rare?.features)
    }

    private func authenticate(_ words: inout WordReader) throws(WireError) -> Command {
        _ = try CommandOptions(&words)
        let principal = try words.name(orMissing: "the principal is missing: AUTH principal token")
        let token = try words.next(orMissing: "the token is missing: AUTH principal token")
        try words.end()
        return .authenticate(Credentials(principal, token: token.body))
    }

    private func name(_ words: inout WordReader) throws(WireError) -> Command {
        var options = try CommandOptions(&words, allowing: [.waits])
        let label = try words.name(orMissing: "the label is missing: NAME label")
        // An option behind the label cannot be a text, as NAME has none.
        try options.readMore(&words, allowing: [.waits])
        try words.end()
        return .name(label, waitsForAll: options.rare?.waitsForAll != nil)
    }

    private mutating func ping(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.length])
        return .ping(try bodies.body(&words, length: options.length).body)
    }

    private func kill(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.client, .principal])
        let target: KillCommand.Target
        switch (options.rare?.client, options.rare?.principal) {
        case (let address?, nil):
            guard address.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw WireError(.syntax, "client= takes an address as CLIENTS shows it, in visible ASCII")
            }
            target = .client(address)
        case (nil, let principal?): target = .principal(principal)
        case (nil, nil), (.some, .some):
            throw WireError(.syntax, "pass either client=ADDRESS, as CLIENTS shows it, or principal=NAME")
        }
        let reason = words.text()
        return .kill(KillCommand(target, reason: reason.isEmpty ? nil : reason.string))
    }

    private func cancel(_ words: inout WordReader) throws(WireError) -> Command {
        _ = try CommandOptions(&words)
        guard let tag = try words.tag() else { throw WireError(.syntax, "the tag is missing: CANCEL #tag") }
        try words.end()
        return .cancel(tag)
    }

    private func help(_ words: inout WordReader) throws(WireError) -> Command {
        _ = try CommandOptions(&words)
        guard !words.isBlank else { return .help(nil) }
        let verb = try verb(&words)
        try words.end()
        return .help(verb)
    }

    private func quit(_ words: inout WordReader) throws(WireError) -> Command {
        _ = try CommandOptions(&words)
        try words.end()
        return .quit
    }
}
