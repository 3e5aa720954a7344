import SluiceRuntime

extension RunningProcess {
    /// One task receives messages and notes when each is due. Another task sends each message when it is due.
    func delay(from source: HubChannel, to target: HubChannel, by delay: Duration) async throws {
        // Each of the two tasks holds one more message.
        let capacity = min(BuiltInProcess.maxDelayed, client.hub.currentLimits.maxLeases) - 2
        let waiting = Channel<Delayed>(.buffered(capacity: max(capacity, 0)), name: "delayed messages")
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
                try await pass(next.message, to: target)
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
