/// A connection that begins operations.
protocol LoadSource: AnyObject {
    /// Begins as many operations as may be in flight.
    func fill()
    /// Begins an operation that was due at the intended time, or queues it until an earlier one is done.
    func begin(intended: Int)
    /// How many operations were due and have not begun, because too many are in flight.
    var waitingCount: Int { get }
    /// Sends the connection's last request.
    func sendFarewell()
    func report(to ledger: inout DeliveryLedger)
}

extension LoadSource {
    var waitingCount: Int { 0 }
    func sendFarewell() {}
    func report(to ledger: inout DeliveryLedger) {}
}

/// A connection that receives messages.
protocol LoadSink: AnyObject {
    func report(to ledger: inout DeliveryLedger)
}
