public import SluiceRuntime
public import SluiceWire

/// One side of a channel.
public enum ChannelSide: Sendable, Hashable {
    /// The side of the senders.
    case sending
    /// The side of the receivers.
    case receiving

    fileprivate var wire: ChannelEnd.Side {
        switch self {
        case .sending: .send
        case .receiving: .receive
        }
    }
}

/// What happens to a channel when the connection of one of its ends is lost.
public enum EndOfLostConnection: Sendable, Hashable {
    /// The end leaves.
    case retires
    /// The channel is poisoned.
    case poisons
}

extension RemoteChannel {
    /// Declares what the channel does with its messages, and reopens a channel that has ended. The client repeats the
    /// declaration to a server that was restarted.
    ///
    /// - Parameters:
    ///   - declaration: what the channel does with its messages.
    ///   - maxAttempts: the number of attempts after which a message is rejected; nil means no limit.
    ///   - dead: the channel that rejected messages move to, which must buffer; nil discards them.
    ///   - retry: the time between the first two attempts, doubled for each further one; nil offers a message again at
    ///     once.
    /// - Throws: `.conflict` when the channel is in use with another declaration; `.misuse` when an argument is invalid;
    ///   `.limit`; `.disconnected`.
    public func open(
        _ declaration: ChannelDeclaration = .rendezvous, maxAttempts: Int? = nil, dead: String? = nil,
        retry: Duration? = nil
    ) async throws(SluiceError) {
        let command: OpenCommand
        do throws(WireError) {
            command = try OpenCommand(
                checking: channelName, declaration, maxAttempts: maxAttempts, dead: dead, retry: retry)
        } catch {
            throw SluiceError(.misuse, error.message)
        }
        try await client.request(.open(command))
    }

    /// Sends rejected messages of this dead channel back to the channels that they come from.
    ///
    /// - Parameter count: the most messages to send back; nil sends back all that the channel keeps now.
    /// - Returns: the number of messages that went back.
    /// - Throws: `.notFound` when there is no such channel; `.limit`; `.draining`; `.inDoubt` when the connection was lost,
    ///   or the task cancelled, before the reply.
    @discardableResult
    public func redrive(count: Int? = nil) async throws(SluiceError) -> Int {
        try await client.request(.redrive(RedriveCommand(channelName, count: count))).count
    }

    /// Closes the channel: what was sent is still received, and then every receive returns nil.
    public func close() async throws(SluiceError) {
        try await client.request(.close(channelName))
    }

    /// Poisons the channel: every pending and later operation throws `.poisoned` with `reason`, on both sides.
    public func poison(reason: String? = nil) async throws(SluiceError) {
        try await client.request(.poison(channelName, reason))
    }

    /// Makes this client an end of the channel. When the last sending end has left, the channel is closed; when the last
    /// receiving end has left, it takes no more messages. The client joins again on each new connection.
    ///
    /// - Throws: `.closed`, `.poisoned`: the channel has ended. `.limit`; `.disconnected`.
    public func join(
        _ side: ChannelSide, lostConnection: EndOfLostConnection = .retires
    ) async throws(SluiceError) {
        let policy: DeathPolicy? = lostConnection == .poisons ? .poison : nil
        try await client.request(.join(JoinCommand(ChannelEnd(side.wire, of: channelName), onDeath: policy)))
    }

    /// Ends this client's part as an end of the channel.
    ///
    /// - Throws: `.notFound` when it was not an end; `.disconnected` when the connection was lost, and the end with it.
    public func leave(_ side: ChannelSide) async throws(SluiceError) {
        try await client.request(.leave(ChannelEnd(side.wire, of: channelName)))
    }
}
