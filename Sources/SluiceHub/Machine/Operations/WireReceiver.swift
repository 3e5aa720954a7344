import SluiceRuntime
import SluiceWire

/// A client's receive, or a receive arm of its select, in the queue of a channel. Also a party at a barrier.
struct WireReceiver: MatchWaiter {
    let operation: OperationID
    /// The number of the arm; nil for a plain operation.
    let arm: Int32?

    /// Always true: an operation that has ended is in no queue.
    func claim() -> Bool { true }
}

extension CommonAttributes {
    /// Returns attributes with the committed arm of a select, or none for a plain operation.
    static func taking(_ arm: Int32?) -> CommonAttributes { CommonAttributes().taking(arm) }

    /// Returns the attributes with the committed arm of a select added.
    func taking(_ arm: Int32?) -> CommonAttributes {
        var attributes = self
        attributes.arm = arm.map { Int($0) }
        return attributes
    }
}
