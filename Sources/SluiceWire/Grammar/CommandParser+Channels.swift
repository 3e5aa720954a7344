/// Channels, their ends, and barriers.
extension CommandParser {
    func open(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.capacity, .overflow, .kind, .maxAttempts, .dead, .retry])
        let channel = try words.channel()
        try words.end()
        let declaration = try declaration(options.rare)
        return .open(OpenCommand(channel, declaration, try policy(options.rare, of: channel, declaration)))
    }

    private func policy(
        _ options: RareOptions?, of channel: ChannelName, _ declaration: ChannelDeclaration
    ) throws(WireError) -> FailurePolicy? {
        guard let options else { return nil }
        let policy = FailurePolicy(
            maxAttempts: options.maxAttempts, deadChannel: options.dead, retryDelay: options.retry)
        if policy == FailurePolicy() { return nil }
        try policy.check(for: channel, declaration)
        return policy
    }

    private func declaration(_ options: RareOptions?) throws(WireError) -> ChannelDeclaration {
        guard let options else { return .rendezvous }
        switch options.kind {
        case .queue, nil:
            let capacity = options.capacity ?? 0
            guard capacity <= limits.maxCapacity else {
                throw WireError(.limit, "cap= must be at most \(limits.maxCapacity)")
            }
            return .queue(capacity: capacity, overflow: options.overflow ?? .block)
        case .broadcast:
            try checkKeepsNothing(options)
            return .broadcast
        case .once:
            try checkKeepsNothing(options)
            return .once
        }
    }

    private func checkKeepsNothing(_ options: RareOptions) throws(WireError) {
        guard options.capacity == nil, options.overflow == nil else {
            throw WireError(.badOption, "cap= and overflow= need kind=queue")
        }
    }

    func close(_ words: inout WordReader) throws(WireError) -> Command {
        _ = try CommandOptions(&words)
        let channel = try words.channel()
        try words.end()
        return .close(channel)
    }

    func poison(_ words: inout WordReader) throws(WireError) -> Command {
        _ = try CommandOptions(&words)
        let channel = try words.channel()
        let reason = words.text()
        return .poison(channel, reason.isEmpty ? nil : reason.string)
    }

    func redrive(_ words: inout WordReader) throws(WireError) -> Command {
        let count = try CommandOptions(&words, allowing: [.count]).rare?.count
        let channel = try words.channel()
        try words.end()
        switch count {
        case .exactly(let count): return .redrive(RedriveCommand(channel, count: count))
        case .endless, nil: return .redrive(RedriveCommand(channel))
        }
    }

    func join(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.end, .onDeath])
        let end = try end(options, &words)
        return .join(JoinCommand(end, onDeath: options.rare?.onDeath))
    }

    func leave(_ words: inout WordReader) throws(WireError) -> Command {
        .leave(try end(try CommandOptions(&words, allowing: [.end]), &words))
    }

    private func end(_ options: CommandOptions, _ words: inout WordReader) throws(WireError) -> ChannelEnd {
        guard let side = options.rare?.end else {
            try words.checkNothingFollowsOperand()
            throw WireError(.syntax, "end= is missing; pass end=send or end=recv")
        }
        let channel = try words.channel()
        try words.end()
        return ChannelEnd(side, of: channel)
    }

    func barrier(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.timeout, .eof, .parties])
        guard let parties = options.rare?.parties else {
            try words.checkNothingFollowsOperand()
            throw WireError(.syntax, "parties= is missing; pass parties=N, the number of clients to wait for")
        }
        let name = try words.barrier()
        try words.end()
        return .barrier(
            BarrierCommand(
                name, parties: parties, timeout: options.timeout, waitsAfterEOF: options.waitsAfterEOF))
    }
}
