public import SluiceRuntime

/// Draining: ending a hub in good order.
extension Hub {
    /// Accepts no new work from now on, and ends the hub when all clients have finished; see `waitUntilDrained`. May be
    /// called from any thread, and more than once.
    ///
    /// New work is refused with `ERR draining`, and parked operations are withdrawn with `CANCELLED draining`. Sends
    /// whose message a receiver holds wait for the end of the lease. A connection is closed once its client has no
    /// pending replies and holds no leases. The caller must close the listeners first.
    ///
    /// - Parameter limit: the time after which the hub ends all waits: pending senders get `MAYBE draining`, and all
    ///   connections are closed. Nil waits for ever. Of several limits, the earliest counts.
    public func drain(within limit: Duration? = nil) {
        transactFromAnywhere { $0.machine.drain() }
        onEachReactor { [weak self] share, connections in
            share.isDraining = true
            self?.drain(connections[...], on: share)
        }
        if let limit { endDraining(at: timekeeper.nowNanoseconds &+ limit.wholeNanoseconds) }
    }

    /// Closes the connections that have nothing pending, some in each turn of the loop.
    private func drain(_ connections: ArraySlice<Connection>, on share: ReactorShare) {
        for connection in connections.prefix(Budget.connectionsDrained) { connection.drain() }
        let rest = connections.dropFirst(Budget.connectionsDrained)
        if !rest.isEmpty { share.reactor.post { [weak self] in self?.drain(rest, on: share) } }
    }

    /// Whether the hub is draining and accepts no new work.
    public var isDraining: Bool { look { $0.machine.stage != .serving } }

    /// Returns once the hub has drained: no client is connected any more, and no operation of this process is pending.
    /// Must be called by one task of the hub's reactor at a time.
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

    /// Calls `body` on the thread of each reactor that serves connections, with its connections.
    func onEachReactor(_ body: @escaping @Sendable (ReactorShare, [Connection]) -> Void) {
        for share in look({ $0.shares }) {
            // Posted, so that it runs after the deliveries that were posted before.
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
