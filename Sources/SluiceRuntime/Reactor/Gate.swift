/// A place where one task waits until code on its reactor opens it. On the reactor's thread only.
package final class Gate: WaitSource, @unchecked Sendable {
    // Sendable: `withdraw` may be called from any thread; everything else belongs to the reactor's thread.

    /// Not retained, see `DescriptorWatch`.
    private unowned(unsafe) let reactor: Reactor
    private let name: String
    private var waiter = SoleWaiter<GateVerdict>()

    /// - Parameter name: what the task waits for, shown in reports.
    package init(_ name: String, on reactor: Reactor) {
        self.reactor = reactor
        self.name = name
    }

    /// Waits for the next `open`. An earlier `open` does not count.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut`, `.cancelled`.
    package func wait(timeout: Duration? = nil) async throws(SluiceError) {
        let verdict: GateVerdict = await suspendTask(on: self, .read, timeout: timeout) { waiter.park($0) }
        if case .withdrawn(let reason) = verdict { throw reason.error }
    }

    /// Resumes the task that waits, if one does.
    package func open() {
        waiter.resume(.opened)
    }

    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        reactor.perform { [self] in waiter.withdraw(ticket, because: reason) }
    }

    package override var waitDescription: String { name }
}

/// How a wait at a gate ended.
enum GateVerdict: WaitVerdict {
    case opened
    case withdrawn(WithdrawalReason)
}
