import SluiceRuntime
import SluiceWire

/// A channel with the name by which clients use it.
final class NamedChannel: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    typealias Engine = Matcher<Offer, Offer, WireReceiver>

    /// Changes, as the hash does, when the object is reused for another channel.
    @exclusivity(unchecked) var name: ChannelName
    /// The hash that `ChannelIndex` computes from the name.
    @exclusivity(unchecked) var hash: UInt64
    @exclusivity(unchecked) var isInTable = false
    /// Whether the channel is idle and is kept only so that it can be found again; see `ChannelTable`.
    @exclusivity(unchecked) var isCached = false
    /// The slot among the channels that were looked up most recently. -1 if it has none.
    @exclusivity(unchecked) var recentSlot: Int32 = -1
    /// The next channel in the same bucket of the table.
    @exclusivity(unchecked) var nextInBucket: NamedChannel?
    /// The place in the order of names.
    @exclusivity(unchecked) var links = ChannelLinks()
    /// Matches sends and receives. A broadcast parks both sides in it, but delivers its messages itself.
    @exclusivity(unchecked) var engine = Engine(.rendezvous)
    /// The number of its messages that receivers hold or that are delayed. Each may return.
    @exclusivity(unchecked) var awayCount = 0
    /// What the channel has done since it exists, for reports.
    @exclusivity(unchecked) var counts = ChannelCounts()
    /// The number of waiting receives, counted receives and arms of selects that receive under a lease.
    @exclusivity(unchecked) var leasedReceivers = 0
    /// The counted receives on the channel, both parked and paused.
    @exclusivity(unchecked) var countedReceives = WaitQueue<OperationID>()
    /// The number of counted receives that are parked.
    @exclusivity(unchecked) var parkedCountedReceives = 0
    /// The number of counted receives that are paused.
    var pausedCountedReceives: Int { countedReceives.count - parkedCountedReceives }
    /// The state that only few channels need. Nil while the channel needs none.
    @exclusivity(unchecked) var extras: ChannelExtras?
    /// The client that has declared the channel and is charged for it, or that has ended it.
    @exclusivity(unchecked) var payer: ClientRecord?
    /// The number of pieces of unfinished work that still tell receivers, or senders, that the channel has ended.
    @exclusivity(unchecked) var unfinishedReceiverEnds = 0
    @exclusivity(unchecked) var unfinishedSenderEnds = 0
    /// The number of arms that have left the channel's queues because their selects have ended. The selects have not been
    /// answered yet, and still refer to the channel.
    @exclusivity(unchecked) var armsSetAside = 0
    /// Whether the channel has ended, so that only its name is kept for a while.
    @exclusivity(unchecked) var isTombstone = false

    init(_ name: ChannelName, hash: UInt64) {
        self.name = name
        self.hash = hash
    }

    /// Returns the extras, creating them if necessary. Declared channels, channels with joined ends, and channels with
    /// leases need them.
    func ensureExtras() -> ChannelExtras {
        if let extras { return extras }
        let made = ChannelExtras()
        extras = made
        return made
    }

    /// Whether no operation is parked on the channel, no connection has joined it, and no message is in it or may
    /// return.
    var isIdle: Bool { hasNothingToDo && extras?.isIdle != false }

    /// Whether the channel has not ended, and would be idle without its declaration.
    var isUnused: Bool { engine.ending == nil && hasNothingToDo && extras?.isUnused != false }

    private var hasNothingToDo: Bool {
        engine.parkedSenders == 0 && engine.parkedReceivers == 0 && engine.bufferedCount == 0 && awayCount == 0
            && countedReceives.isEmpty && armsSetAside == 0
    }

    /// Whether no message is left to receive and none may return.
    var isDrained: Bool {
        engine.parkedSenders == 0 && (engine.bufferedCount == 0 || isOnce) && awayCount == 0
            && extras?.returned.isEmpty != false && extras?.round == nil
    }

    var isOnce: Bool { if case .once = engine.kind { true } else { false } }
    var isBroadcast: Bool { extras?.isBroadcast == true }

    /// Whether somebody receives from the channel: a receive waits or is paused, a receiver holds a message under a lease, or a
    /// connection has joined as a receiver.
    var hasReceivers: Bool {
        if engine.parkedReceivers > 0 || !countedReceives.isEmpty { return true }
        guard let extras else { return awayCount > 0 }
        return !extras.receivingEnds.isEmpty || awayCount > extras.delayed.count + extras.held.count
    }

    /// Whether a receive must wait even on a closed channel, because a message that was handed out may return.
    var mayGetBack: Bool { awayCount > 0 }

    /// Whether a returned message is refused and its sender answered.
    var refusesReturns: Bool {
        if case .poisoned = engine.ending { return true }
        return extras?.hasLostReceivers == true
    }

    /// The reply to an operation on the channel after the channel has ended.
    var endingReply: Reply {
        switch engine.ending {
        case .poisoned(let reason): .poisoned(name, reason)
        case .closed(let reason): .closed(name, reason)
        case nil: preconditionFailure("the channel has not ended")
        }
    }
}

/// Counts of a channel's messages.
struct ChannelCounts: Sendable {
    /// The messages that senders have offered, without those that were refused at once.
    var sent = 0
    /// The messages that receivers have taken for good; one for each receiver of a broadcast.
    var taken = 0
    /// The times that a message was handed out again, after an attempt that ended without `ACK`.
    var redelivered = 0
    /// The messages that receivers, or the channel's failure policy, have rejected.
    var rejected = 0
    /// The messages in the channel's buffer that a receiver can get now.
    var buffered = 0
}

/// The state that only few channels need.
final class ChannelExtras: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, as the channel does.

    /// The declaration from `OPEN`. Nil for a channel that exists only through its use.
    @exclusivity(unchecked) var declaration: ChannelDeclaration?
    /// What happens to messages that receivers do not acknowledge. It outlives the declaration when the channel is
    /// closed.
    @exclusivity(unchecked) var policy: FailurePolicy?
    /// The place of a declared channel in the list of its holder, and the holder.
    @exclusivity(unchecked) var declarationPlace: WaitTicket?
    @exclusivity(unchecked) var declarationHolder: Holder?
    /// Whether the channel is, or was before it was closed, a broadcast. Pending messages still go to all receivers.
    @exclusivity(unchecked) var isBroadcast = false
    /// Messages that receivers returned, by position. They come before everything in the engine.
    @exclusivity(unchecked) var returned = IndexedHeap<Offer>()
    /// The delayed messages, by position: see `Offer.Place.delayed`.
    @exclusivity(unchecked) var delayed = IndexedHeap<Offer>()
    /// The rejected messages that the dead channel does not take yet, in the order in which they were rejected.
    @exclusivity(unchecked) var held = WaitQueue<Offer>()
    /// When the held messages may move. Nil if no message is held, and while they move.
    @exclusivity(unchecked) var heldDeadline: HeapHandle?
    @exclusivity(unchecked) var isMovingHeld = false
    /// Whether it was reported that rejected messages wait, and none has moved since.
    @exclusivity(unchecked) var hasReportedHold = false
    @exclusivity(unchecked) var sendingEnds: Set<ConnectionID> = []
    @exclusivity(unchecked) var receivingEnds: Set<ConnectionID> = []
    /// Whether the channel was closed because its last joined receiver has left.
    @exclusivity(unchecked) var hasLostReceivers = false
    /// The bytes of the value that a tombstone of a once channel still delivers.
    @exclusivity(unchecked) var buriedBytes = 0
    /// The message that is being broadcast, until all receivers have it.
    @exclusivity(unchecked) var round: BroadcastRound?
    /// Whether a sender that has ended is being told, after which the next rounds begin. Otherwise, each of very many such
    /// senders would begin the rounds of those behind it, which takes a deep stack.
    @exclusivity(unchecked) var isSkippingSenders = false
    /// Whether unfinished work begins further rounds of the broadcast.
    @exclusivity(unchecked) var hasRoundsLeft = false
    /// Whether unfinished work moves further senders into free space of the buffer.
    @exclusivity(unchecked) var isAdmitting = false
    /// The paused counted receives of a broadcast, and the number of them of each client.
    @exclusivity(unchecked) private(set) var pausedReceives: Set<OperationID> = []
    @exclusivity(unchecked) private var pausedReceivesOfClients: [ConnectionID: Int32] = [:]

    var isIdle: Bool { declaration == nil && isUnused }

    /// Whether nothing but a declaration is left.
    var isUnused: Bool {
        returned.isEmpty && sendingEnds.isEmpty && receivingEnds.isEmpty && round == nil && pausedReceives.isEmpty
            && !isMovingHeld
    }

    func notePaused(_ id: OperationID, of client: ConnectionID) {
        if pausedReceives.insert(id).inserted { pausedReceivesOfClients[client, default: 0] += 1 }
    }

    func noteResumed(_ id: OperationID, of client: ConnectionID) {
        guard pausedReceives.remove(id) != nil, let count = pausedReceivesOfClients[client] else { return }
        pausedReceivesOfClients[client] = count == 1 ? nil : count - 1
    }

    /// The connections that have joined as receivers and have no paused counted receive.
    var endsWithoutPausedReceive: Set<ConnectionID> {
        pausedReceives.isEmpty ? receivingEnds : receivingEnds.filter { pausedReceivesOfClients[$0] == nil }
    }
}
