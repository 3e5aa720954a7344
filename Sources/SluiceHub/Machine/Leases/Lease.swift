import SluiceRuntime
import SluiceWire

/// A receiver's claim to a message that it has not yet acknowledged or returned: one attempt to deliver the message.
struct Lease: Sendable {
    let offer: Offer
    let channel: NamedChannel
    let holder: ConnectionID
    /// The counted receive that delivered the message and whose window includes it.
    let countedReceive: OperationID?
    let nanoseconds: UInt64
    /// The time at which the receiver got the message.
    let since: UInt64
    /// The time at which it is over, and the entry among the deadlines.
    var end: UInt64
    var deadline: HeapHandle
    /// The neighbours in the list of the holder's leases.
    var next: LeaseID?
    var previous: LeaseID?
}

typealias LeaseID = SlabKey<Lease>

extension DeliveryID {
    init(_ id: LeaseID) {
        self.init(serial: id.serial, slot: UInt32(id.slot))
    }
}

extension SlabKey<Lease> {
    /// Returns nil if no lease can have this id.
    init?(_ delivery: DeliveryID) {
        guard let slot = Int32(exactly: delivery.slot) else { return nil }
        self.init(slot: slot, serial: delivery.serial)
    }
}
