/// Sending and receiving, and what becomes of a message under a lease.
extension CommandParser {
    mutating func send(_ words: inout Words) throws(WireError) -> Command {
        let options = try Options(&words, allowing: [.timeout, .length, .eof, .id, .epoch, .until, .need])
        let channel = try words.channel()
        let body = try bodies.body(&words, length: options.length)
        return .send(
            SendCommand(
                channel: channel, body: body, timeout: options.timeout, identity: try identity(options.rare),
                until: options.rare?.until, minimumReceivers: options.rare?.need, waitsAfterEOF: options.waitsAfterEOF))
    }

    private func identity(_ options: RareOptions?) throws(WireError) -> SendIdentity? {
        guard let options else { return nil }
        guard let id = options.id else {
            guard options.epoch == nil else {
                throw WireError(.badOption, "epoch= says when the send with that id= was tried first; id= is missing")
            }
            return nil
        }
        return SendIdentity(id, epoch: options.epoch)
    }

    func receive(_ words: inout Words) throws(WireError) -> Command {
        let options = try Options(&words, allowing: [.timeout, .eof, .lease, .count, .window])
        let channel = try words.channel()
        try words.end()
        let command = ReceiveCommand(
            channel: channel, timeout: options.timeout, lease: options.rare?.lease, count: options.rare?.count,
            window: options.rare?.window, waitsAfterEOF: options.waitsAfterEOF)
        try check(command)
        return .receive(command)
    }

    private func check(_ command: ReceiveCommand) throws(WireError) {
        guard command.count == nil || isTagged else { throw WireError(.badOption, "a counted receive needs a tag") }
        guard let window = command.window else { return }
        guard command.lease != nil, command.count != nil else {
            throw WireError(.badOption, "window= bounds a counted receive with a lease: count= or lease= is missing")
        }
        guard window <= limits.maxWindow else {
            throw WireError(.limit, "window= is at most \(limits.maxWindow)")
        }
    }

    func acknowledge(_ words: inout Words) throws(WireError) -> Command {
        _ = try Options(&words)
        let delivery = try words.delivery()
        try words.end()
        return .acknowledge(delivery)
    }

    func nack(_ words: inout Words) throws(WireError) -> Command {
        let options = try Options(&words, allowing: [.delay])
        let delivery = try words.delivery()
        try words.end()
        return .nack(NackCommand(delivery, delay: options.rare?.delay))
    }

    func touch(_ words: inout Words) throws(WireError) -> Command {
        _ = try Options(&words)
        let delivery = try words.delivery()
        try words.end()
        return .touch(delivery)
    }
}
