/// Selecting one of several arms.
extension CommandParser {
    mutating func select(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.timeout, .order, .eof])
        let (arms, hasElse) = try arms(&words)
        guard !hasElse || options.timeout == nil else {
            throw WireError(.badOption, "a select with else waits for no other arm; remove timeout= or else")
        }
        return .select(
            SelectCommand(
                arms: arms, hasElse: hasElse, order: options.rare?.order ?? .fair, timeout: options.timeout,
                waitsAfterEOF: options.waitsAfterEOF))
    }

    /// Parses the arms of a select, and whether the last one is an `else`.
    private mutating func arms(_ words: inout WordReader) throws(WireError) -> (arms: [Arm], hasElse: Bool) {
        guard !words.isBlank else { throw WireError(.syntax, "SELECT needs at least one arm") }
        var sequence = ArmSequence(words.text())
        var arms: [Arm] = []
        while let text = sequence.next() {
            guard arms.count < limits.maxSelectArms else {
                throw WireError(.limit, "a select may have at most \(limits.maxSelectArms) arms")
            }
            if let arm = try arm(text, number: arms.count) {
                arms.append(arm)
                continue
            }
            guard sequence.isAtEnd, !arms.isEmpty else {
                throw WireError(.syntax, "else must be the last arm, after at least one other")
            }
            return (arms, true)
        }
        return (arms, false)
    }

    /// Parses one arm. Returns nil for `else`.
    private mutating func arm(_ text: ByteView, number: Int) throws(WireError) -> Arm? {
        var words = WordReader(text)
        let word = try words.next(orMissing: "an arm is empty")
        guard let kind = ArmKind.vocabulary.word(ignoringCase: word) else {
            throw WireError(.syntax, "an arm must begin with recv, send or barrier, or be a final else")
        }
        switch kind {
        case .receive:
            let options = try CommandOptions(&words, allowing: [.lease])
            let channel = try words.channel()
            try words.end()
            return .receive(channel, lease: options.rare?.lease)
        case .send:
            let options = try CommandOptions(&words, allowing: [.length, .id, .trace])
            let channel = try words.channel()
            let body = try bodies.body(&words, length: options.length, arm: number).body
            return .send(channel, body, id: options.rare?.id, trace: options.rare?.trace)
        case .barrier:
            let options = try CommandOptions(&words, allowing: [.parties])
            let name = try words.barrier()
            try words.end()
            return .barrier(name, parties: options.rare?.parties)
        case .otherwise:
            try words.end()
            return nil
        }
    }
}

extension WordReader {
    /// Reads the name of a barrier.
    mutating func barrier() throws(WireError) -> ChannelName {
        try name(orMissing: "the name of a barrier is missing")
    }
}
