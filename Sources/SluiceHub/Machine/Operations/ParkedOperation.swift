import SluiceRuntime
import SluiceWire

/// A parked operation.
final class ParkedOperation: Aged, @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    @exclusivity(unchecked) private(set) var caller: Caller
    @exclusivity(unchecked) private(set) var client: ClientRecord
    @exclusivity(unchecked) var wait: OperationWait
    /// The time at which the operation parked, in nanoseconds of the hub's clock.
    @exclusivity(unchecked) private(set) var since: UInt64
    @exclusivity(unchecked) var deadline: HeapHandle?
    /// Whether the operation has a timeout of zero: it waits only for the end of a lease that has begun.
    @exclusivity(unchecked) private(set) var triesOnce: Bool
    @exclusivity(unchecked) private(set) var waitsAfterEOF: Bool
    /// The number of the select's `else` arm. The operation then waits only for the end of a lease that has begun, and
    /// takes that arm if the message comes back. -1 if there is none.
    @exclusivity(unchecked) var elseArm: Int32 = -1
    /// The bytes of the messages that the operation keeps in memory.
    @exclusivity(unchecked) private(set) var bodyBytes: Int32
    /// The bytes charged to the client for the operation, without its offers.
    @exclusivity(unchecked) var charge: Int32 = 0
    /// The neighbours in the list of the connection's operations.
    @exclusivity(unchecked) var next: OperationID?
    @exclusivity(unchecked) var previous: OperationID?

    init(
        _ caller: Caller, _ client: ClientRecord, _ wait: OperationWait, since: UInt64, triesOnce: Bool,
        waitsAfterEOF: Bool, bodyBytes: Int32
    ) {
        self.caller = caller
        self.client = client
        self.wait = wait
        self.since = since
        self.triesOnce = triesOnce
        self.waitsAfterEOF = waitsAfterEOF
        self.bodyBytes = bodyBytes
    }

    /// Turns the object, which is no longer parked, into another operation.
    func reuse(
        _ caller: Caller, _ client: ClientRecord, _ wait: OperationWait, since: UInt64, triesOnce: Bool,
        waitsAfterEOF: Bool, bodyBytes: Int32
    ) {
        self.caller = caller
        self.client = client
        self.wait = wait
        self.since = since
        self.triesOnce = triesOnce
        self.waitsAfterEOF = waitsAfterEOF
        self.bodyBytes = bodyBytes
        elseArm = -1
        deadline = nil
        previous = nil
    }

    /// Whether the operation may end or continue although no other client does anything.
    var mayEndAlone: Bool { deadline != nil || wait.mayEndAlone }
}

typealias OperationID = SlabKey<ParkedOperation>

/// The event that a parked operation waits for.
enum OperationWait: Sendable {
    /// The end of an offer, with the number of the arm if a select has committed to it.
    case send(NamedChannel, Offer, arm: Int32?)
    /// A message, with the duration of the lease, or 0 for none.
    case receive(NamedChannel, WaitTicket, leaseNanoseconds: UInt64)
    /// The messages of a counted receive.
    case countedReceive(CountedReceive)
    /// One of several arms.
    case select(ParkedSelect)
    /// The other parties at a barrier.
    case barrier(Barrier, WaitTicket)
    /// The end of the work of sending dead letters back.
    case redrive(Redrive)
    /// Handoffs to report.
    case trace(Tracer)

    /// Returns the duration of the lease that the operation, or the arm of its select, asks for. 0 if it takes messages
    /// without a lease.
    func leaseNanoseconds(ofArm arm: Int32?) -> UInt64 {
        switch self {
        case .receive(_, _, let lease): return lease
        case .countedReceive(let counted): return counted.leaseNanoseconds
        case .select(let select):
            guard let arm, case .receive(_, _, let lease) = select.arms[Int(arm)] else { return 0 }
            return lease
        case .send, .barrier, .redrive, .trace: return 0
        }
    }

    /// Whether a lease or a message's delay may end the wait when its time is over, or the client itself may.
    fileprivate var mayEndAlone: Bool {
        switch self {
        case .send(let channel, let offer, _): offer.isLeased || channel.mayGetBack
        case .receive(let channel, _, _): channel.mayGetBack
        case .countedReceive(let counted): counted.isPaused || counted.channel.mayGetBack
        case .redrive: true
        case .barrier, .trace: false
        case .select(let select):
            select.arms.contains { arm in
                switch arm {
                case .send(let channel, _), .receive(let channel, _, _): channel.mayGetBack
                case .barrier: false
                }
            }
        }
    }

    /// Whether the operation is a select that was withdrawn and answered, and whose arms have not left their queues.
    var isWithdrawnSelect: Bool { if case .select(let select) = self { select.isWithdrawn } else { false } }

    /// The number of leases that the operation may still take.
    var possibleLeases: Int {
        switch self {
        case .receive(_, _, let lease): lease > 0 ? 1 : 0
        case .countedReceive(let counted): counted.openWindow
        case .select(let select): select.mayLease ? 1 : 0
        case .send, .barrier, .redrive, .trace: 0
        }
    }
}

/// The arms of a parked select. An arm whose ticket is `WaitTicket.ofNoQueue` was set aside; see
/// `NamedChannel.armsSetAside`.
final class ParkedSelect: Sendable {
    @exclusivity(unchecked) nonisolated(unsafe) private(set) var arms: [ParkedArm]
    /// The key under which a fair select remembers the arm that it takes.
    let key: FairKey?
    /// Whether an arm receives under a lease.
    let mayLease: Bool
    /// The number of arms that send with an id.
    let armsWithID: Int
    /// Whether the select was withdrawn and answered, so that its arms only have to leave their queues. Belongs to the
    /// state machine, which is behind the hub's lock.
    @exclusivity(unchecked) nonisolated(unsafe) var isWithdrawn = false
    /// Whether the select is known to have ended, although it has not been told yet. Belongs to the state machine as well.
    @exclusivity(unchecked) nonisolated(unsafe) var isKnownToHaveEnded = false
    /// Whether other senders have joined a message of the select, or it has joined theirs. Then its withdrawal may be in
    /// doubt. Belongs to the state machine as well.
    @exclusivity(unchecked) nonisolated(unsafe) var sharesOffers: Bool

    init(_ arms: [ParkedArm], _ key: FairKey?) {
        self.arms = arms
        self.key = key
        armsWithID = arms.count { if case .send(_, let offer) = $0 { offer.key != nil } else { false } }
        sharesOffers = arms.contains { if case .send(_, let offer) = $0 { offer.hasAttached } else { false } }
        mayLease = arms.contains { if case .receive(_, _, let lease) = $0 { lease > 0 } else { false } }
    }

    /// The steps in which the arms leave their queues. Two arms take up to a microsecond. Forgetting an id takes longer,
    /// because the entries of many ids do not fit into the processor's cache.
    var stepsOfArms: Int { (arms.count + 7 * armsWithID) / 2 }

    /// Notes that a receiving arm has left its queue before the select was told that it has ended.
    func noteSetAside(arm: Int) {
        guard case .receive(let channel, _, let lease) = arms[arm] else { return }
        arms[arm] = .receive(channel, .ofNoQueue, leaseNanoseconds: lease)
    }
}

/// An arm of a parked select, with its place in a queue.
enum ParkedArm: Sendable {
    case receive(NamedChannel, WaitTicket, leaseNanoseconds: UInt64)
    case send(NamedChannel, Offer)
    case barrier(Barrier, WaitTicket)
}

/// An event that is due at a certain time.
enum Deadline: Sendable {
    /// An operation times out.
    case operation(OperationID)
    /// A lease expires.
    case lease(LeaseID)
    /// The delay of an offer ends.
    case delay(NamedChannel, Offer)
    /// The rejected messages of a channel may move to its dead channel.
    case heldRejections(NamedChannel)
}
