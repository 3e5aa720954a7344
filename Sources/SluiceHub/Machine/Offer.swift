import SluiceRuntime
import SluiceWire

/// A message that somebody has to wait for, or that is kept: from its send up to the receiver who takes it for good.
///
/// One that a waiting receiver takes at once never becomes an offer.
final class Offer: MatchWaiter, @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    /// Where the message is.
    enum Place {
        /// With a sender that waits, in the queue of the channel.
        case queued(WaitTicket)
        /// In the channel's buffer.
        case buffered
        /// Back from a receiver, where it stood before: in front of the queue.
        case returned(HeapHandle)
        /// Back from a receiver who wants it to rest.
        case delayed(HeapHandle)
        /// With a receiver, who has not acknowledged it.
        case leased
        /// On its way to the receivers of a broadcast.
        case distributing
        /// It was taken, dropped or withdrawn.
        case gone
    }

    /// Somebody who waits for the offer's end: an operation, and the number of its arm if that is a select's.
    struct Sender {
        let operation: OperationID
        var arm: Int32?
    }

    let body: Body
    /// Its place among all offers of the hub: the smaller, the earlier.
    let position: UInt64
    let origin: ConnectionID
    /// Whether the sender is answered only when a receiver has the message, although the channel could keep it.
    let waitsUntilTaken: Bool
    /// How many receivers a broadcast must have.
    let minimumReceivers: Int32
    let key: SendKey?
    /// How often it was handed out under a lease.
    @exclusivity(unchecked) var attempts = 0
    @exclusivity(unchecked) var place = Place.gone
    /// Who waits for its end; nil when nobody does, or nobody any more.
    @exclusivity(unchecked) var sender: Sender?
    /// Those who have sent it again meanwhile, under the same id.
    @exclusivity(unchecked) var attached: [Sender] = []
    /// Whether it outlives its sender, because the channel has answered for it.
    @exclusivity(unchecked) var isKept = false
    /// Whether it uses room of the channel's buffer although it is not in there.
    @exclusivity(unchecked) var isHeld = false

    init(_ draft: Draft, at position: UInt64) {
        body = draft.body.body
        self.position = position
        origin = draft.origin
        waitsUntilTaken = draft.waitsUntilTaken
        minimumReceivers = Int32(clamping: draft.minimumReceivers)
        key = draft.key
    }

    /// Always: an operation that is over has left all its queues.
    func claim() -> Bool { true }

    var isLeased: Bool { if case .leased = place { true } else { false } }

    /// Whether somebody cares for it still.
    var isWanted: Bool { isKept || sender != nil }

    /// Has nobody wait under this operation any more; another who waits takes its place.
    func detach(_ operation: OperationID) {
        if sender?.operation == operation {
            sender = attached.isEmpty ? nil : attached.removeFirst()
        } else {
            attached.removeAll { $0.operation == operation }
        }
    }
}

/// What is offered, before anything has come of it.
struct Draft {
    let body: MessageBytes
    let origin: ConnectionID
    var waitsUntilTaken = false
    /// Whether its sender waits for nothing but a lease.
    var triesOnce = false
    var minimumReceivers = 0
    var key: SendKey?
    /// The number of the arm; nil for a plain send.
    var arm: Int32?
}
