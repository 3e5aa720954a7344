/// The key of an option. For a new case the compiler asks for the code that reads its value.
enum OptionKey: String, CaseIterable {
    case timeout = "TIMEOUT"
    case length = "LEN"
    case eof = "EOF"
    case lease = "LEASE"
    case id = "ID"
    case epoch = "EPOCH"
    case until = "UNTIL"
    case need = "NEED"
    case count = "COUNT"
    case window = "WINDOW"
    case order = "ORDER"
    case parties = "PARTIES"
    case delay = "DELAY"
    case trace = "TRACE"
    case capacity = "CAP"
    case overflow = "OVERFLOW"
    case kind = "KIND"
    case maxAttempts = "MAX-ATTEMPTS"
    case dead = "DEAD"
    case retry = "RETRY"
    case end = "END"
    case onDeath = "ON-DEATH"
    case format = "FORMAT"
    case after = "AFTER"
    case limit = "LIMIT"
    case waits = "WAITS"
    case client = "CLIENT"
    case principal = "PRINCIPAL"
    case features = "FEATURES"
    case reply = "REPLY"

    static let vocabulary = Vocabulary<Self>()
}

/// The options of a command or an arm.
struct CommandOptions {
    private(set) var timeout: Duration?
    private(set) var length: Int?
    private(set) var waitsAfterEOF = false
    private(set) var repliesOnlyToFailure = false

    /// All other options; nil if there are none.
    ///
    /// They are stored apart because every `SEND`, `RECV` and `ACK` creates options, and most have none of these.
    private(set) var rare: RareOptions?

    /// Reads all options at the front of `words`.
    ///
    /// - Parameter allowed: the keys that the command has; evaluated only if there is an option.
    init(_ words: inout WordReader, allowing allowed: @autoclosure () -> [OptionKey] = []) throws(WireError) {
        try readMore(&words, allowing: allowed())
    }

    /// Reads further options, for a verb that takes them behind its operands as well.
    mutating func readMore(_ words: inout WordReader, allowing allowed: @autoclosure () -> [OptionKey])
        throws(WireError)
    {
        while let (word, value) = words.option() {
            guard let key = OptionKey.vocabulary.word(ignoringCase: word), allowed().contains(key) else {
                throw WireError(.badOption, "no such option here; HELP and the verb list the options")
            }
            guard !isSet(key) else { throw WireError(.badOption, "an option may be given only once") }
            try read(value, of: key)
        }
    }

    private func isSet(_ key: OptionKey) -> Bool {
        switch key {
        case .timeout: timeout != nil
        case .length: length != nil
        case .eof: waitsAfterEOF
        case .lease: rare?.lease != nil
        case .id: rare?.id != nil
        case .epoch: rare?.epoch != nil
        case .until: rare?.until != nil
        case .need: rare?.need != nil
        case .count: rare?.count != nil
        case .window: rare?.window != nil
        case .order: rare?.order != nil
        case .parties: rare?.parties != nil
        case .delay: rare?.delay != nil
        case .trace: rare?.trace != nil
        case .capacity: rare?.capacity != nil
        case .overflow: rare?.overflow != nil
        case .kind: rare?.kind != nil
        case .maxAttempts: rare?.maxAttempts != nil
        case .dead: rare?.dead != nil
        case .retry: rare?.retry != nil
        case .end: rare?.end != nil
        case .onDeath: rare?.onDeath != nil
        case .format: rare?.format != nil
        case .after: rare?.after != nil
        case .limit: rare?.limit != nil
        case .waits: rare?.waitsForAll != nil
        case .client: rare?.client != nil
        case .principal: rare?.principal != nil
        case .features: rare?.features != nil
        case .reply: repliesOnlyToFailure
        }
    }

    private mutating func read(_ value: ByteView, of key: OptionKey) throws(WireError) {
        switch key {
        case .timeout: timeout = try value.duration(of: "timeout")
        case .length:
            guard let number = value.wholeNumber else { throw .unknowableBodies }
            length = number
        case .eof:
            guard value == "wait" else { throw WireError(.badOption, "eof= must be wait") }
            waitsAfterEOF = true
        case .lease: setRare().lease = try value.lease()
        case .id: setRare().id = try value.messageID()
        case .epoch: setRare().epoch = try value.number(of: "epoch")
        case .until:
            setRare().until = try value.word(of: SendGoal.vocabulary, orError: "until= must be accepted or taken")
        case .need: setRare().need = try value.number(of: "need")
        case .count: setRare().count = try value.receiveCount()
        case .window: setRare().window = try value.number(of: "window", atLeast: 1)
        case .order:
            setRare().order = try value.word(
                of: SelectCommand.Order.vocabulary, orError: "order= must be fair, first or random")
        case .parties: setRare().parties = try value.number(of: "parties", atLeast: 1)
        case .delay: setRare().delay = try value.duration(of: "delay")
        case .trace: setRare().trace = try value.traceContext()
        case .capacity: setRare().capacity = try value.number(of: "cap")
        case .overflow:
            setRare().overflow = try value.word(
                of: Overflow.vocabulary, orError: "overflow= must be block, drop-newest or drop-oldest")
        case .kind:
            setRare().kind = try value.word(
                of: ChannelDeclaration.Kind.vocabulary, orError: "kind= must be queue, broadcast or once")
        case .maxAttempts: setRare().maxAttempts = try value.number(of: "max-attempts", atLeast: 1)
        case .dead:
            guard let name = ChannelName(value) else { throw WireError(.badName, ChannelName.rule) }
            setRare().dead = name
        case .retry: setRare().retry = try value.duration(of: "retry")
        case .end: setRare().end = try value.word(of: ChannelEnd.Side.vocabulary, orError: "end= must be send or recv")
        case .onDeath:
            setRare().onDeath = try value.word(
                of: DeathPolicy.vocabulary, orError: "on-death= must be retire or poison")
        case .format:
            setRare().format = try value.word(of: ReportFormat.vocabulary, orError: "format= must be text or json")
        case .after:
            guard let key = ChannelName(value) else {
                throw WireError(.badOption, "after= must be the more= of the page before")
            }
            setRare().after = key
        case .limit: setRare().limit = try value.number(of: "limit", atLeast: 1)
        case .waits:
            guard value == "all" else { throw WireError(.badOption, "waits= must be all") }
            setRare().waitsForAll = true
        case .client:
            guard !value.isEmpty else { throw WireError(.badOption, "client= must be an address that CLIENTS shows") }
            setRare().client = value.string
        case .principal:
            guard let name = ChannelName(value) else { throw WireError(.badName, ChannelName.rule) }
            setRare().principal = name
        case .features: setRare().features = Feature.list(value.string)
        case .reply:
            guard value == "error" else { throw WireError(.badOption, "reply= must be error") }
            repliesOnlyToFailure = true
        }
    }

    private mutating func setRare() -> RareOptions {
        if let rare { return rare }
        let created = RareOptions()
        rare = created
        return created
    }
}

/// The options that few commands have. An instance is never shared: it belongs to the ``CommandOptions`` that created
/// it.
final class RareOptions {
    fileprivate(set) var lease: Duration?
    fileprivate(set) var id: MessageID?
    fileprivate(set) var epoch: Int?
    fileprivate(set) var until: SendGoal?
    fileprivate(set) var need: Int?
    fileprivate(set) var count: ReceiveCount?
    fileprivate(set) var window: Int?
    fileprivate(set) var order: SelectCommand.Order?
    fileprivate(set) var parties: Int?
    fileprivate(set) var delay: Duration?
    fileprivate(set) var trace: TraceContext?
    fileprivate(set) var capacity: Int?
    fileprivate(set) var overflow: Overflow?
    fileprivate(set) var kind: ChannelDeclaration.Kind?
    fileprivate(set) var maxAttempts: Int?
    fileprivate(set) var dead: ChannelName?
    fileprivate(set) var retry: Duration?
    fileprivate(set) var end: ChannelEnd.Side?
    fileprivate(set) var onDeath: DeathPolicy?
    fileprivate(set) var format: ReportFormat?
    fileprivate(set) var after: ChannelName?
    fileprivate(set) var limit: Int?
    fileprivate(set) var waitsForAll: Bool?
    fileprivate(set) var client: String?
    fileprivate(set) var principal: ChannelName?
    fileprivate(set) var features: Set<Feature>?
}

extension WireError {
    /// The parser cannot tell how many bytes to skip, so the rest of the input might be misread as commands.
    static let unknowableBodies = WireError(.framing, "cannot tell how many bytes of bodies follow the line")
}
