/// Sending and receiving, and the ends of leases.
extension CommandParser {
    mutating func send(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(
            &words, allowing: [.timeout, .length, .eof, .id, .epoch, .until, .need, .delay, .trace])
        let channel = try words.channel()
        let body = try bodies.body(&words, length: options.length)
        return .send(
            SendCommand(
                channel: channel, body: body, timeout: options.timeout, identity: try identity(options.rare),
                until: options.rare?.until, minimumReceivers: options.rare?.need,
                delay: options.rare?.delay, trace: options.rare?.trace, waitsAfterEOF: options.waitsAfterEOF))
    }

    mutating func call(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.timeout, .length, .eof, .id, .epoch, .trace])
        let channel = try words.channel()
        let body = try bodies.body(&words, length: options.length)
        return .send(
            SendCommand(
                channel: channel, body: body, timeout: options.timeout, identity: try identity(options.rare),
                trace: options.rare?.trace, wantsAnswer: true, waitsAfterEOF: options.waitsAfterEOF))
    }

    private func identity(_ options: RareOptions?) throws(WireError) -> SendIdentity? {
        guard let options else { return nil }
        guard let id = options.id else {
            guard options.epoch == nil else {
                throw WireError(.badOption, "epoch= needs id=")
            }
            return nil
        }
        return SendIdentity(id, epoch: options.epoch)
    }

    func receive(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.timeout, .eof, .lease, .count, .window])
        let channel = try words.channel()
        try words.end()
        let command = ReceiveCommand(
            channel: channel, timeout: options.timeout, lease: options.rare?.lease, count: options.rare?.count,
            window: options.rare?.window, waitsAfterEOF: options.waitsAfterEOF)
        try check(command)
        return .receive(command)
    }

    private func check(_ command: ReceiveCommand) throws(WireError) {
        guard command.count == nil || isTagged else { throw WireError(.badOption, "count= needs a tag") }
        guard let window = command.window else { return }
        guard command.lease != nil, command.count != nil else {
            throw WireError(.badOption, "window= needs both count= and lease=")
        }
        guard window <= limits.maxWindow else {
            throw WireError(.limit, "window= must be at most \(limits.maxWindow)")
        }
    }

    mutating func acknowledge(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.length, .reply])
        var command = AcknowledgeCommand(
            try words.delivery(), repliesOnlyToFailure: options.repliesOnlyToFailure)
        // Spaces at the end of a line are no answer, because other commands without a text allow them.
        if options.length != nil || !words.isBlank {
            command.answer = try bodies.body(&words, length: options.length)
        }
        return .acknowledge(command)
    }

    func nack(_ words: inout WordReader) throws(WireError) -> Command {
        let options = try CommandOptions(&words, allowing: [.delay])
        let delivery = try words.delivery()
        try words.end()
        return .nack(NackCommand(delivery, delay: options.rare?.delay))
    }

    func reject(_ words: inout WordReader) throws(WireError) -> Command {
        _ = try CommandOptions(&words)
        let delivery = try words.delivery()
        let reason = words.text()
        return .reject(RejectCommand(delivery, reason: reason.isEmpty ? nil : reason.string))
    }

    func touch(_ words: inout WordReader) throws(WireError) -> Command {
        _ = try CommandOptions(&words)
        let delivery = try words.delivery()
        try words.end()
        return .touch(delivery)
    }
}
