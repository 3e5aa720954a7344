public import SluiceRuntime

/// The end of a hub in good order.
extension Hub {
    /// Takes no new work from now on, and comes to an end by itself: see `waitUntilDrained`. May be called from any thread,
    /// and more than once.
    ///
    /// What would begin something is refused (`ERR draining`), and what is parked is withdrawn (`CANCELLED draining`), but
    /// for sends whose message a receiver holds, which wait for what that says. A connection is closed once its client has
    /// nothing left to be told, and holds nothing. Listeners are for the caller to close, before.
    ///
    /// - Parameter limit: after which nothing is waited for any more: senders are told that they are in doubt (`MAYBE
    ///   draining`), and all connections are closed. Nil waits for ever. Of several limits the first counts that is over.
    public func drain(within limit: Duration? = nil) {
        transactFromAnywhere { $0.machine.drain() }
        onEachReactor { share, connections in
            share.isDraining = true
            for connection in connections { connection.drain() }
        }
        if let limit { endDraining(at: timekeeper.nowNanoseconds &+ limit.wholeNanoseconds) }
    }

    /// Whether the hub takes no new work.
    public var isDraining: Bool { look { $0.machine.stage != .serving } }

    /// Returns once the hub drains, no client is connected any more, and nothing in this process waits for it. Called by a
    /// task of the hub's reactor, one at a time.
    ///
    /// - Throws: `.cancelled`.
    public func waitUntilDrained() async throws(SluiceError) {
        while !look({ $0.isDrained }) { try await drained.wait() }
    }

    /// - Parameter deadline: in nanoseconds of the timekeeper's clock.
    private func endDraining(at deadline: UInt64) {
        guard timekeeper.isCurrent else {
            return timekeeper.post { [weak self] in self?.endDraining(at: deadline) }
        }
        let now = timekeeper.nowNanoseconds
        let delay = Duration.nanoseconds(deadline > now ? Int64(clamping: deadline - now) : 0)
        _ = timekeeper.call(after: delay) { [weak self] in self?.endDraining() }
    }

    private func endDraining() {
        transactFromAnywhere { $0.machine.endDraining() }
        onEachReactor { _, connections in
            for connection in connections { connection.endAtOnce() }
        }
    }

    /// Calls `body` on the thread of each reactor that serves connections, with these.
    private func onEachReactor(_ body: @escaping @Sendable (ReactorShare, [Connection]) -> Void) {
        for share in look({ $0.shares }) {
            // After the deliveries that have been posted.
            share.reactor.post { [weak self] in
                if let self { body(share, connections(of: share)) }
            }
        }
    }

    /// Whether a client holds messages under a lease.
    func holdsLeases(_ id: ConnectionID) -> Bool {
        look { ($0.machine.clients[id]?.leaseCount ?? 0) > 0 }
    }
}
