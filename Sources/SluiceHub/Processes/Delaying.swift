import SluiceRuntime

extension RunningProcess {
    /// One task receives, and notes when each message is due; another one sends it then.
    func delay(from source: HubChannel, to target: HubChannel, by delay: Duration) async throws {
        // Each of the two tasks holds one message more.
        let room = min(BuiltInProcess.maxDelayed, client.hub.currentLimits.maxLeases) - 2
        let waiting = Channel<Delayed>(.buffered(capacity: max(room, 0)), name: "messages on their way")
        try await withNursery("delay") { nursery in
            nursery.spawn("receiver of \(source.name)") {
                while let message = try await source.receive(lease: Self.lease) {
                    let due = nowNanoseconds &+ delay.wholeNanoseconds
                    try await waiting.send(Delayed(message: message, due: due))
                }
                waiting.close()
            }
            while let next = try await waiting.receive() {
                let now = nowNanoseconds
                if next.due > now { try await sleep(for: .nanoseconds(Int64(clamping: next.due - now))) }
                try await target.send(next.message.bytes)
                try finish(next.message)
            }
        }
        throw source.closedError
    }
}

/// A message that is not due yet.
private struct Delayed: Sendable {
    let message: LeasedMessage
    let due: UInt64
}
