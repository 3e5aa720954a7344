/// The key of an option. A new one is a new case: the compiler then asks where its value is read.
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
    case capacity = "CAP"
    case overflow = "OVERFLOW"
    case kind = "KIND"
    case end = "END"
    case onDeath = "ON-DEATH"
    case format = "FORMAT"

    static let vocabulary = Vocabulary<Self>()
}

/// The options of a command or of an arm.
struct Options {
    private(set) var timeout: Duration?
    private(set) var length: Int?
    private(set) var waitsAfterEOF = false

    /// Every other option; nil when none stands there.
    ///
    /// Apart, because options are made for each `SEND` and `RECV` and most have none of these.
    private(set) var rare: RareOptions?

    /// Takes every option that stands at the front of `words`.
    ///
    /// - Parameter allowed: the keys that have a meaning here; looked at only if there is an option.
    init(_ words: inout Words, allowing allowed: @autoclosure () -> [OptionKey] = []) throws(WireError) {
        while let (word, value) = words.option() {
            guard let key = OptionKey.vocabulary.word(ignoringCase: word), allowed().contains(key) else {
                throw WireError(.badOption, "no such option here")
            }
            guard !isSet(key) else { throw WireError(.badOption, "an option stands twice") }
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
        case .capacity: rare?.capacity != nil
        case .overflow: rare?.overflow != nil
        case .kind: rare?.kind != nil
        case .end: rare?.end != nil
        case .onDeath: rare?.onDeath != nil
        case .format: rare?.format != nil
        }
    }

    private mutating func read(_ value: ByteView, of key: OptionKey) throws(WireError) {
        switch key {
        case .timeout: timeout = try value.delay()
        case .length:
            guard let number = value.wholeNumber else { throw .unknowableBodies }
            length = number
        case .eof:
            guard value == "wait" else { throw WireError(.badOption, "eof= is wait") }
            waitsAfterEOF = true
        case .lease: setRare().lease = try value.lease()
        case .id: setRare().id = try value.messageID()
        case .epoch: setRare().epoch = try value.number(or: "epoch= is a whole number")
        case .until: setRare().until = try value.word(of: SendGoal.vocabulary, or: "until= is accepted or taken")
        case .need: setRare().need = try value.number(or: "need= is a whole number")
        case .count: setRare().count = try value.receiveCount()
        case .window: setRare().window = try value.number(atLeast: 1, or: "window= is a whole number, at least 1")
        case .order:
            setRare().order = try value.word(of: SelectOrder.vocabulary, or: "order= is fair, first or random")
        case .parties: setRare().parties = try value.number(atLeast: 1, or: "parties= is a whole number, at least 1")
        case .delay: setRare().delay = try value.delay()
        case .capacity: setRare().capacity = try value.number(or: "cap= is a whole number")
        case .overflow:
            setRare().overflow = try value.word(
                of: Overflow.vocabulary, or: "overflow= is block, drop-newest or drop-oldest")
        case .kind:
            setRare().kind = try value.word(
                of: ChannelDeclaration.Kind.vocabulary, or: "kind= is queue, broadcast or once")
        case .end: setRare().end = try value.word(of: ChannelEnd.Side.vocabulary, or: "end= is send or recv")
        case .onDeath:
            setRare().onDeath = try value.word(of: DeathPolicy.vocabulary, or: "on-death= is retire or poison")
        case .format: setRare().format = try value.word(of: ReportFormat.vocabulary, or: "format= is text or json")
        }
    }

    private mutating func setRare() -> RareOptions {
        if let rare { return rare }
        let made = RareOptions()
        rare = made
        return made
    }
}

/// The options that few commands have. Never shared: it belongs to the ``Options`` that made it.
final class RareOptions {
    fileprivate(set) var lease: Duration?
    fileprivate(set) var id: MessageID?
    fileprivate(set) var epoch: Int?
    fileprivate(set) var until: SendGoal?
    fileprivate(set) var need: Int?
    fileprivate(set) var count: ReceiveCount?
    fileprivate(set) var window: Int?
    fileprivate(set) var order: SelectOrder?
    fileprivate(set) var parties: Int?
    fileprivate(set) var delay: Duration?
    fileprivate(set) var capacity: Int?
    fileprivate(set) var overflow: Overflow?
    fileprivate(set) var kind: ChannelDeclaration.Kind?
    fileprivate(set) var end: ChannelEnd.Side?
    fileprivate(set) var onDeath: DeathPolicy?
    fileprivate(set) var format: ReportFormat?
}

extension WireError {
    /// Nobody can tell how many bytes to skip: what follows might be read as commands.
    static let unknowableBodies = WireError(.framing, "the line does not tell for certain how long its bodies are")
}
