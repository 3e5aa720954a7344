import SluiceRuntime

extension RunningProcess {
    /// Offers the number of the last tick until the next one is due. Ticks stay at multiples of the interval.
    func tick(to target: HubChannel, every interval: Duration) async throws {
        let start = nowNanoseconds
        let interval = interval.wholeNanoseconds
        var last: UInt64 = 0
        while true {
            let elapsed = nowNanoseconds - start
            let untilNext = Duration.nanoseconds(Int64(clamping: interval - elapsed % interval))
            if elapsed / interval == last {
                try await sleep(for: untilNext)
            } else {
                last = elapsed / interval
                if try await offer("\(last)", on: target, for: untilNext) { count() }
            }
        }
    }

    /// - Returns: whether a receiver took the message or, under a lease, acknowledged it.
    private func offer(_ text: String, on channel: HubChannel, for time: Duration) async throws(SluiceError) -> Bool {
        do throws(SluiceError) {
            try await channel.send(text, timeout: time)
            return true
        } catch {
            guard error.code == .timedOut || error.code == .inDoubt else { throw error }
            return false
        }
    }
}
