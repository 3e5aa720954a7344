/// Sending, receiving and selecting, and the ends of leases.
extension [UInt8] {
    mutating func append(_ command: SendCommand) {
        append(command.wantsAnswer ? "CALL" : "SEND")
        append(timeout: command.timeout)
        append(waitsAfterEOF: command.waitsAfterEOF)
        append(id: command.identity?.id)
        append(" epoch=", command.identity?.epoch)
        append(" until=", command.until)
        append(" need=", command.minimumReceivers)
        append(delay: command.delay)
        append(trace: command.trace)
        append(" len=", command.body.count)
        append(.space)
        append(command.channel)
        append(.lineFeed)
        append(framed: command.body.body)
    }

    mutating func append(_ command: ReceiveCommand) {
        append("RECV")
        append(timeout: command.timeout)
        append(waitsAfterEOF: command.waitsAfterEOF)
        append(lease: command.lease)
        switch command.count {
        case .exactly(let count): append(" count=", count)
        case .endless: append(" count=*")
        case nil: break
        }
        append(" window=", command.window)
        append(.space)
        append(command.channel)
        append(.lineFeed)
    }

    mutating func append(_ command: SelectCommand) {
        append("SELECT")
        append(timeout: command.timeout)
        append(waitsAfterEOF: command.waitsAfterEOF)
        append(" order=", command.order == .fair ? nil : command.order)
        var separator: StaticString = " "
        for arm in command.arms {
            append(separator)
            append(arm)
            separator = " | "
        }
        if command.hasElse { append(" | else") }
        append(.lineFeed)
        for case .send(_, let body, _, _) in command.arms { append(framed: body) }
    }

    private mutating func append(_ arm: Arm) {
        switch arm {
        case .receive(let channel, let lease):
            append("recv")
            append(lease: lease)
            append(.space)
            append(channel)
        case .send(let channel, let body, let id, let trace):
            append("send")
            append(id: id)
            append(trace: trace)
            append(" len=", body.count)
            append(.space)
            append(channel)
        case .barrier(let name, let parties):
            append("barrier")
            append(" parties=", parties)
            append(.space)
            append(name)
        }
    }

    /// Appends a line that consists of a verb and a delivery id.
    mutating func append(_ verb: StaticString, _ delivery: DeliveryID) {
        append(verb)
        append(.space)
        append(delivery)
        append(.lineFeed)
    }

    mutating func append(_ command: AcknowledgeCommand) {
        append("ACK")
        if command.repliesOnlyToFailure { append(" reply=error") }
        if let answer = command.answer { append(" len=", answer.count) }
        append(.space)
        append(command.delivery)
        append(.lineFeed)
        if let answer = command.answer { append(framed: answer.body) }
    }

    mutating func append(_ command: NackCommand) {
        append("NACK")
        append(delay: command.delay)
        append(.space)
        append(command.delivery)
        append(.lineFeed)
    }

    /// Sanitizes the reason to fit in one line, as the replies that carry it do.
    mutating func append(_ command: RejectCommand) {
        append("REJECT ")
        append(command.delivery)
        append(reason: command.reason)
        append(.lineFeed)
    }

    private mutating func append(_ delivery: DeliveryID) {
        append(decimal: Int(delivery.serial))
        append(UInt8(ascii: "."))
        append(decimal: Int(delivery.slot))
    }

    mutating func append(framed body: Body) {
        append(contentsOf: body)
        append(.lineFeed)
    }
}
