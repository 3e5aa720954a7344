/// A member of a crew that begins operations.
protocol Sending: AnyObject {
    /// Begins as many as may be on their way.
    func fill()
    /// Begins one that was to begin at that time, or keeps it for when an earlier one is done.
    func begin(intended: Int)
    /// How many were to begin and have not, because too many are on their way.
    var waitingCount: Int { get }
    /// Says the last words to the server.
    func part()
    func report(_ account: inout Account)
}

extension Sending {
    var waitingCount: Int { 0 }
}

/// A member of a crew that receives messages.
protocol Receiving: AnyObject {
    func report(_ account: inout Account)
}
