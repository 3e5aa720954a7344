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

extension [Attribute] {
    /// What the reply of a select says of the arm that was taken; nothing for a plain operation.
    static func taken(_ arm: Int32?) -> [Attribute] { [].taken(arm) }

    /// The attributes, and which arm of a select was taken.
    func taken(_ arm: Int32?) -> [Attribute] {
        // Nearly always nothing to add, for which `+` would make a new array.
        guard let arm else { return self }
        return self + [Attribute(.arm, Int(arm))]
    }
}
