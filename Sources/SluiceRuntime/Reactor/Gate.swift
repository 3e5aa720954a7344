/// A place where one task waits until something that happens on its reactor lets it go on. On the reactor's thread only.
package final class Gate: WaitSource, @unchecked Sendable {
    // Sendable: `withdraw` takes itself to the reactor's thread, to which everything else belongs.

    /// Not retained, see `DescriptorWatch`.
    private unowned(unsafe) let reactor: Reactor
    private let name: String
    private var waiter = SoleWaiter<GateVerdict>()

    /// - Parameter name: what the task waits for, in reports.
    package init(_ name: String, on reactor: Reactor) {
        self.reactor = reactor
        self.name = name
    }

    /// Waits for the next `open`. An `open` while nobody waits is not remembered.
    ///
    /// - Throws: `.timedOut`, `.cancelled`.
    package func wait(timeout: Duration? = nil) async throws(SluiceError) {
        let verdict: GateVerdict = await suspendTask(on: self, .read, timeout: timeout) { waiter.park($0) }
        if case .withdrawn(let reason) = verdict { throw reason.error }
    }

    /// Lets the waiting task go on, if there is one.
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
