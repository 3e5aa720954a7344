/// What happens to messages that receivers do not acknowledge (`OPEN [max-attempts=N] [dead=CHANNEL] [retry=D]`).
package struct FailurePolicy: Sendable, Hashable {
    /// The number of attempts after which a message is rejected. Nil means no limit.
    package var maxAttempts: Int?
    /// The channel that rejected messages move to. Nil discards them.
    package var deadChannel: ChannelName?
    /// The time between the first two attempts, doubled for each further attempt. Nil offers a message again at once.
    package var retryDelay: Duration?

    package init(maxAttempts: Int? = nil, deadChannel: ChannelName? = nil, retryDelay: Duration? = nil) {
        self.maxAttempts = maxAttempts
        self.deadChannel = deadChannel
        self.retryDelay = retryDelay
    }

    /// The longest time between two attempts.
    package static let longestDelay = Duration.seconds(3600)

    /// The time to wait after a number of attempts.
    package func delay(afterAttempts count: Int) -> Duration {
        guard let retryDelay, count > 0 else { return .zero }
        if retryDelay >= Self.longestDelay { return Self.longestDelay }
        // An hour is less than 2^22 milliseconds, and a duration holds an hour times 2^22.
        return min(retryDelay * (1 << min(count - 1, 22)), Self.longestDelay)
    }

    /// Checks whether the policy is possible for a channel.
    package func check(for channel: ChannelName, _ declaration: ChannelDeclaration) throws(WireError) {
        guard case .queue = declaration else {
            throw WireError(.badOption, "max-attempts=, dead= and retry= need kind=queue")
        }
        if deadChannel == channel { throw WireError(.badOption, "dead= must be another channel") }
        if let maxAttempts, maxAttempts < 1 {
            throw WireError(.badNumber, "max-attempts= must be a whole number of at least 1")
        }
    }

    /// Nil if nothing is set.
    package var ifAny: FailurePolicy? { self == FailurePolicy() ? nil : self }
}

/// Sends messages of a dead channel back to the channels that they come from (`REDRIVE [count=N] channel`).
package struct RedriveCommand: Sendable, Hashable {
    package var channel: ChannelName
    /// The most messages to send back. Nil sends back all that the channel keeps when the command begins.
    package var count: Int?

    package init(_ channel: ChannelName, count: Int? = nil) {
        self.channel = channel
        self.count = count
    }
}
