/// Room for the one task that may wait for something, with a ticket for each wait that no other one has.
struct SoleWaiter<Verdict: WaitVerdict> {
    private var continuation: UnsafeContinuation<Verdict, Never>?
    /// The number of the wait that began last; wraps around.
    private var serial: UInt32 = 0

    var isWaiting: Bool { continuation != nil }

    /// Enters a task. Only while none waits.
    mutating func park(_ continuation: UnsafeContinuation<Verdict, Never>) -> WaitTicket {
        precondition(self.continuation == nil, "two tasks in the room for one")
        serial &+= 1
        self.continuation = continuation
        return WaitTicket(index: 0, serial: serial)
    }

    /// Ends the wait, if there is one; false when nobody waited.
    @discardableResult
    mutating func resume(_ verdict: Verdict) -> Bool {
        guard let continuation = continuation.take() else { return false }
        continuation.resume(returning: verdict)
        return true
    }

    /// Ends the wait that `ticket` names, and no later one.
    mutating func withdraw(_ ticket: WaitTicket, because reason: WithdrawalReason) {
        guard ticket.serial == serial else { return }
        resume(.withdrawn(reason))
    }
}
