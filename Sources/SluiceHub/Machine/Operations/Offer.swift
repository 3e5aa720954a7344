import SluiceRuntime
import SluiceWire

/// A message that has to wait or is kept, from its send until a receiver takes it for good.
///
/// A message that a parked receiver takes at once never becomes an offer.
final class Offer: MatchWaiter, @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    /// The place of the message.
    enum Place {
        /// In the channel's queue, with a parked sender.
        case queued(WaitTicket)
        /// In the channel's buffer.
        case buffered(WaitTicket)
        /// Returned by a receiver to its earlier place, in front of the queue.
        case returned(HeapHandle)
        /// Returned by a receiver with a delay, or sent with a delay.
        case delayed(deadline: HeapHandle, place: HeapHandle)
        /// Rejected, while the dead channel does not take it.
        case held(WaitTicket)
        /// With a receiver, under a lease that has not ended.
        case leased
        /// Being broadcast to receivers.
        case distributing
        /// Taken, dropped or withdrawn.
        case gone
    }

    /// An operation that waits for the offer's end, with the number of its arm if it is a select.
    struct Sender {
        let operation: OperationID
        var arm: Int32?
    }

    let body: Body
    /// The position among all offers of the hub. Earlier offers have smaller positions.
    @exclusivity(unchecked) var position: UInt64
    let origin: ConnectionID
    /// Whether the sender is answered only when a receiver has taken the message, even if the channel could keep it.
    let waitsUntilTaken: Bool
    /// Whether the message is that of a `CALL`, whose receiver may answer it.
    let wantsAnswer: Bool
    /// The least number of receivers that a broadcast waits for.
    let minimumReceivers: Int32
    let key: SendKey?
    /// The number of times that the message was handed out under a lease.
    @exclusivity(unchecked) var attempts = 0
    @exclusivity(unchecked) var place = Place.gone
    /// The sender that waits for the offer's end. Nil if there is none, or none any more.
    @exclusivity(unchecked) var sender: Sender?
    /// The senders that have sent the same message again under the same id.
    @exclusivity(unchecked) private(set) var attached: AttachedSenders?
    /// How the offer has ended, while some of its senders have not been told yet.
    @exclusivity(unchecked) var verdict: OfferVerdict?
    /// Whether the offer outlives its sender, because the channel has answered for it.
    @exclusivity(unchecked) var isKept = false
    /// Whether the offer counts as a message in its channel's buffer.
    @exclusivity(unchecked) var isBuffered = false
    /// The client that is charged for the offer until it is freed, and the bytes.
    @exclusivity(unchecked) private(set) var payer: ClientRecord?
    @exclusivity(unchecked) private(set) var charged = 0
    /// Whether the offer has come back from a receiver, so that `charged` includes its place among such offers.
    @exclusivity(unchecked) var hasReturned = false
    /// What only few offers need. Nil for the others.
    @exclusivity(unchecked) var extras: OfferExtras?
    /// Whether the offer uses space of the channel's buffer without being in it.
    @exclusivity(unchecked) var isHeld = false

    init(_ draft: Draft, at position: UInt64) {
        body = draft.body.body
        self.position = position
        origin = draft.origin
        waitsUntilTaken = draft.waitsUntilTaken
        wantsAnswer = draft.wantsAnswer
        minimumReceivers = Int32(clamping: draft.minimumReceivers)
        key = draft.key
        extras = draft.extras
    }

    deinit { payer?.charge(-charged) }

    /// Charges a client for the offer. The charge lasts until the offer is freed, even if the operation and the
    /// connection end before.
    func charge(_ bytes: Int, to client: ClientRecord) {
        payer = client
        charged = bytes
        client.charge(bytes)
    }

    /// Changes the charge by a number of bytes.
    func recharge(_ change: Int) {
        charged += change
        payer?.charge(change)
    }

    /// Always true: an operation that has ended is in no queue.
    func claim() -> Bool { true }

    /// Whether more than one sender waits for the offer.
    var hasAttached: Bool { attached != nil }

    /// Whether the offer has left its queue because its select has ended; see `NamedChannel.armsSetAside`.
    var isSetAside: Bool { if case .queued(.ofNoQueue) = place { true } else { false } }

    var isLeased: Bool { if case .leased = place { true } else { false } }

    /// Where a dead letter comes from. Nil for other messages.
    var storedOrigin: StoredOrigin? { extras?.storedOrigin }

    /// Replaces the deadline of a delayed offer.
    func delay(by deadline: HeapHandle) {
        if case .delayed(_, let place) = place { self.place = .delayed(deadline: deadline, place: place) }
    }

    /// Whether a sender or the channel still needs the offer.
    var isWanted: Bool { isKept || sender != nil }

    /// Adds a sender that waits for the offer's end.
    ///
    /// - Parameter isCommitted: whether the sender waits for nothing else.
    func attach(_ other: Sender, isCommitted: Bool) {
        guard sender != nil else {
            sender = other
            return
        }
        let attached = attached ?? AttachedSenders()
        attached.append(other, isCommitted: isCommitted)
        self.attached = attached
    }

    /// Removes an operation from the senders. An attached sender takes its place.
    func detach(_ operation: OperationID) {
        if sender?.operation == operation {
            sender = attached?.popFirst()
        } else {
            attached?.remove(operation)
        }
        if attached?.isEmpty == true { attached = nil }
    }
}

/// What only few offers need.
final class OfferExtras: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, as the offer does.

    /// Where a dead letter comes from.
    let storedOrigin: StoredOrigin?
    /// Why the message was rejected, while the dead channel does not take it.
    @exclusivity(unchecked) var rejection: Rejection?
    /// The word that comes with the message.
    let trace: TraceContext?

    init(_ storedOrigin: StoredOrigin? = nil, trace: TraceContext? = nil) {
        self.storedOrigin = storedOrigin
        self.trace = trace
    }

    /// Returns the extras of a message with a trace context. Nil without one, because then it needs none.
    static func with(_ trace: TraceContext?) -> OfferExtras? { trace.map { OfferExtras(trace: $0) } }

    /// The attributes that the receivers of the message see.
    var attributes: [Attribute] {
        (storedOrigin?.attributes ?? []) + (trace.map { [Attribute($0)] } ?? [])
    }

    /// The most output bytes that the attributes take.
    var outputBytes: Int {
        (storedOrigin?.outputBytes ?? 0) + (trace.map { $0.description.utf8.count + 8 } ?? 0)
    }
}

/// The content of a send before it becomes an offer or is delivered.
struct Draft {
    let body: MessageBytes
    let origin: ConnectionID
    var waitsUntilTaken = false
    /// Whether the receiver may answer the message.
    var wantsAnswer = false
    /// Whether the send has a timeout of zero, so that it waits only for a lease to end.
    var triesOnce = false
    var minimumReceivers = 0
    /// Whether a broadcast is sent only if every current receiver can take it now.
    var mustReachAll = false
    var key: SendKey?
    /// The number of the arm; nil for a plain send.
    var arm: Int32?
    /// What only few messages need. Nil for the others.
    var extras: OfferExtras?
}
