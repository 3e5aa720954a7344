/// Channels, their ends, and barriers.
extension [UInt8] {
    mutating func append(_ command: OpenCommand) {
        append("OPEN")
        switch command.declaration {
        case .queue(let capacity, let overflow):
            append(" cap=", capacity == 0 ? nil : capacity)
            append(" overflow=", overflow == .block ? nil : overflow)
        case .broadcast: append(" kind=", ChannelDeclaration.Kind.broadcast)
        case .once: append(" kind=", ChannelDeclaration.Kind.once)
        }
        append(" max-attempts=", command.policy?.maxAttempts)
        if let dead = command.policy?.deadChannel {
            append(" dead=")
            append(dead)
        }
        if let delay = command.policy?.retryDelay { append(" retry=", delay) }
        append(.space)
        append(command.channel)
        append(.lineFeed)
    }

    mutating func append(_ command: RedriveCommand) {
        append("REDRIVE")
        append(" count=", command.count)
        append(.space)
        append(command.channel)
        append(.lineFeed)
    }

    /// Sanitizes the reason to fit in one line, as the replies that carry it do.
    mutating func append(poison channel: ChannelName, _ reason: String?) {
        append("POISON ")
        append(channel)
        append(reason: reason)
        append(.lineFeed)
    }

    mutating func append(reason: String?) {
        guard let reason, !reason.isEmpty else { return }
        append(.space)
        append(sanitizing: reason)
    }

    mutating func append(_ command: JoinCommand) {
        append("JOIN")
        append(" on-death=", command.onDeath)
        append(command.end)
    }

    mutating func append(leave end: ChannelEnd) {
        append("LEAVE")
        append(end)
    }

    private mutating func append(_ end: ChannelEnd) {
        append(" end=", end.side)
        append(.space)
        append(end.channel)
        append(.lineFeed)
    }

    mutating func append(_ command: BarrierCommand) {
        append("BARRIER")
        append(timeout: command.timeout)
        append(waitsAfterEOF: command.waitsAfterEOF)
        append(" parties=", command.parties)
        append(.space)
        append(command.name)
        append(.lineFeed)
    }
}
