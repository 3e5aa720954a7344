public import SluiceRuntime
public import SluiceWire

/// One side of a channel.
public enum ChannelSide: Sendable, Hashable {
    case sending
    case receiving

    fileprivate var wire: ChannelEnd.Side {
        switch self {
        case .sending: .send
        case .receiving: .receive
        }
    }
}

/// What becomes of a channel when the connection of one of its ends is lost.
public enum EndOfLostConnection: Sendable, Hashable {
    /// The same as when the end leaves.
    case retires
    /// The channel is poisoned.
    case poisons
}

extension RemoteChannel {
    /// Declares what the channel is, or opens one anew that has ended. The client declares it again to a server that was
    /// restarted.
    ///
    /// - Throws: `.conflict` when it is in use as another kind; `.limit`; `.disconnected`.
    public func open(_ declaration: ChannelDeclaration = .rendezvous) async throws(SluiceError) {
        try await client.request(.open(OpenCommand(channelName, declaration)))
    }

    /// Takes no more messages: what is there is still received, then every receive returns nil.
    public func close() async throws(SluiceError) {
        try await client.request(.close(channelName))
    }

    /// Ends both sides at once: every parked or later operation throws `.poisoned` with `reason`.
    public func poison(reason: String? = nil) async throws(SluiceError) {
        try await client.request(.poison(channelName, reason))
    }

    /// Counts this client as an end of the channel: when the last sending end has left, the channel is closed; when the
    /// last receiving end has, nobody can send any more. The client joins again over each new connection.
    ///
    /// - Throws: `.closed`, `.poisoned`: the channel has ended. `.limit`; `.disconnected`.
    public func join(
        _ side: ChannelSide, lostConnection: EndOfLostConnection = .retires
    ) async throws(SluiceError) {
        let policy: DeathPolicy? = lostConnection == .poisons ? .poison : nil
        try await client.request(.join(JoinCommand(ChannelEnd(side.wire, of: channelName), onDeath: policy)))
    }

    /// Counts this client as an end no longer.
    ///
    /// - Throws: `.notFound` when it did not; `.disconnected` when the connection was lost, and the end with it.
    public func leave(_ side: ChannelSide) async throws(SluiceError) {
        try await client.request(.leave(ChannelEnd(side.wire, of: channelName)))
    }
}
