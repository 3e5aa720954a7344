import SluiceRuntime
import SluiceWire

/// One attempt to deliver a message: a receiver has it, and has said nothing of it yet.
struct Lease: Sendable {
    let offer: Offer
    let channel: NamedChannel
    let holder: ConnectionID
    /// The counted receive through which the message went, in whose window it stands.
    let stream: OperationID?
    let nanoseconds: UInt64
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
    /// Nil if there cannot be such a lease.
    init?(_ delivery: DeliveryID) {
        guard let slot = Int32(exactly: delivery.slot) else { return nil }
        self.init(slot: slot, serial: delivery.serial)
    }
}
