import SluiceRuntime
import SluiceWire

/// A send of a remote client, or such an arm of its select, while it stands in the queue of a channel.
struct WireSender: MatchWaiter {
    let operation: OperationID
    /// The number of the arm; nil for a plain send.
    let arm: Int32?

    /// Always: a select that has committed leaves all its queues at once.
    func claim() -> Bool { true }
}

/// A receive of a remote client, or such an arm of its select, while it stands in the queue of a channel.
struct WireReceiver: MatchWaiter {
    let operation: OperationID
    /// The number of the arm; nil for a plain receive.
    let arm: Int32?

    /// Always: a select that has committed leaves all its queues at once.
    func claim() -> Bool { true }
}

extension [Attribute] {
    /// What the reply of a select says of the arm that was taken; nothing for a plain operation.
    static func taken(_ arm: Int32?) -> [Attribute] {
        arm.map { [Attribute(.arm, Int($0))] } ?? []
    }
}
