import SluiceRuntime
import SluiceWire

/// A receive of a client, or such an arm of its select, while it stands in the queue of a channel. Also who stands at a
/// barrier.
struct WireReceiver: MatchWaiter {
    let operation: OperationID
    /// The number of the arm; nil for a plain operation.
    let arm: Int32?

    /// Always: an operation that is over has left all its queues.
    func claim() -> Bool { true }
}

extension Attributes {
    /// The arm of a select that was taken; nothing for a plain operation.
    static func taking(_ arm: Int32?) -> Attributes { Attributes().taking(arm) }

    /// The attributes, and the arm of a select that was taken.
    func taking(_ arm: Int32?) -> Attributes {
        var attributes = self
        attributes.arm = arm.map { Int($0) }
        return attributes
    }
}
