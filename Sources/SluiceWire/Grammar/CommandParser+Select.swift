/// Choosing.
extension CommandParser {
    mutating func select(_ words: inout Words) throws(WireError) -> Command {
        let options = try Options(&words, allowing: [.timeout, .order, .eof])
        let (arms, hasElse) = try arms(&words)
        guard !hasElse || options.timeout == nil else {
            throw WireError(.badOption, "a select with else never waits; timeout= has no meaning there")
        }
        return .select(
            SelectCommand(
                arms: arms, hasElse: hasElse, order: options.rare?.order ?? .fair, timeout: options.timeout,
                waitsAfterEOF: options.waitsAfterEOF))
    }

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
            throw WireError(.syntax, "an arm begins with recv, send or barrier, or is a last else")
        }
        switch kind {
        case .receive:
            let options = try Options(&words, allowing: [.lease])
            let channel = try words.channel()
            try words.end()
            return .receive(channel, lease: options.rare?.lease)
        case .send:
            let options = try Options(&words, allowing: [.length, .id])
            let channel = try words.channel()
            let body = try bodies.body(&words, length: options.length, arm: number)
            return .send(channel, body, id: options.rare?.id)
        case .barrier:
            let options = try Options(&words, allowing: [.parties])
            let name = try words.barrier()
            try words.end()
            return .barrier(name, parties: options.rare?.parties)
        case .otherwise:
            try words.end()
            return nil
        }
    }
}

extension Words {
    /// The name of a barrier.
    mutating func barrier() throws(WireError) -> ChannelName {
        try name(orMissing: "the name of a barrier is missing")
    }
}
