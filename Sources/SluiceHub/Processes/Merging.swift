import SluiceRuntime

extension RunningProcess {
    /// The interval at which closed channels are tried again.
    private static let retryInterval = Duration.seconds(1)

    func merge(from sources: [HubChannel], to target: HubChannel) async throws {
        var open = sources
        // When closed channels are tried again.
        var nextRetry: UInt64 = 0
        while true {
            let next = try await receive(fromAnyOf: open, until: open.count < sources.count ? nextRetry : nil)
            switch next {
            case .message(let message): try await pass(message, to: target)
            case .closed(let index):
                if open.count == sources.count { nextRetry = nowNanoseconds &+ Self.retryInterval.wholeNanoseconds }
                let channel = open.remove(at: index)
                if open.isEmpty { throw channel.closedError }
            case .retry: open = sources
            }
        }
    }

    private enum Received {
        case message(LeasedMessage)
        case closed(Int)
        case retry
    }

    /// Receives a message from one of the channels, in fair turns.
    ///
    /// - Parameter deadline: when to stop waiting. Nil waits for ever.
    private func receive(fromAnyOf channels: [HubChannel], until deadline: UInt64?) async throws -> Received {
        let now = nowNanoseconds
        if let deadline, deadline <= now { return .retry }
        return try await client.select {
            for (index, channel) in channels.enumerated() {
                channel.receiving(lease: Self.lease) { $0.map(Received.message) ?? .closed(index) }
            }
            if let deadline { after(.nanoseconds(Int64(clamping: deadline - now))) { .retry } }
        }
    }
}
