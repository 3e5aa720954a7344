/// A wait source of another target: takes waiters out through a closure.
package final class OutsideWaitSource: WaitSource, @unchecked Sendable {
    // Sendable: everything is constant.

    private let description: String
    private let takeOut: @Sendable (WaitTicket, WithdrawalReason) -> Void

    /// - Parameter takeOut: see `WaitSource.withdraw`.
    package init(_ description: String, withdrawing takeOut: @escaping @Sendable (WaitTicket, WithdrawalReason) -> Void)
    {
        self.description = description
        self.takeOut = takeOut
        super.init()
    }

    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        takeOut(ticket, reason)
    }

    package override var waitDescription: String { description }
}
