import SluiceRuntime

extension RunningProcess {
    /// How often to look whether a channel that was closed is in use again.
    private static let secondLook = Duration.seconds(1)

    func merge(from sources: [HubChannel], to target: HubChannel) async throws {
        var open = sources
        // When to look at all of them again.
        var nextLook: UInt64 = 0
        while true {
            let taken = try await next(of: open, until: open.count < sources.count ? nextLook : nil)
            switch taken {
            case .message(let message):
                try await target.send(message.bytes)
                try finish(message)
            case .closed(let index):
                if open.count == sources.count { nextLook = nowNanoseconds &+ Self.secondLook.wholeNanoseconds }
                let channel = open.remove(at: index)
                if open.isEmpty { throw channel.closedError }
            case .late: open = sources
            }
        }
    }

    private enum Taken {
        case message(LeasedMessage)
        case closed(Int)
        case late
    }

    /// A message of one of the channels, fairly chosen.
    ///
    /// - Parameter deadline: when to give up; nil is never.
    private func next(of channels: [HubChannel], until deadline: UInt64?) async throws -> Taken {
        let now = nowNanoseconds
        if let deadline, deadline <= now { return .late }
        return try await client.select {
            for (index, channel) in channels.enumerated() {
                channel.receiving(lease: Self.lease) { $0.map(Taken.message) ?? .closed(index) }
            }
            if let deadline { after(.nanoseconds(Int64(clamping: deadline - now))) { .late } }
        }
    }
}
