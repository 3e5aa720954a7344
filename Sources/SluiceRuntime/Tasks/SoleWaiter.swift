/// The one task that may wait for something. Each wait has a ticket of its own.
struct SoleWaiter<Verdict: WaitVerdict> {
    private var continuation: UnsafeContinuation<Verdict, Never>?
    /// The number of the wait that began last. Wraps around.
    private var serial: UInt32 = 0

    var isWaiting: Bool { continuation != nil }

    /// Parks a task. Call only while no task waits.
    mutating func park(_ continuation: UnsafeContinuation<Verdict, Never>) -> WaitTicket {
        precondition(self.continuation == nil, "a second task waits where one may")
        serial &+= 1
        self.continuation = continuation
        return WaitTicket(index: 0, serial: serial)
    }

    /// Resumes the task that waits.
    ///
    /// - Returns: false when no task waited.
    @discardableResult
    mutating func resume(_ verdict: Verdict) -> Bool {
        guard let continuation = continuation.take() else { return false }
        continuation.resume(returning: verdict)
        return true
    }

    /// Withdraws the wait that `ticket` names; does nothing if that wait has ended.
    mutating func withdraw(_ ticket: WaitTicket, because reason: WithdrawalReason) {
        guard ticket.serial == serial else { return }
        resume(.withdrawn(reason))
    }
}
