import SluiceRuntime
import SluiceWire

/// A channel that clients know by its name.
final class NamedChannel: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    typealias Engine = Matcher<Offer, Offer, WireReceiver>

    /// Given anew when the object serves for another channel, as its hash is.
    @exclusivity(unchecked) var name: ChannelName
    /// What `ChannelIndex` makes of the name.
    @exclusivity(unchecked) var hash: UInt64
    @exclusivity(unchecked) var isInTable = false
    /// Whether it is idle, and in the table only to be found again: see `ChannelTable`.
    @exclusivity(unchecked) var isResting = false
    /// Its slot among the channels that were looked up last; -1 when it is none of them.
    @exclusivity(unchecked) var recentSlot: Int32 = -1
    /// The next one in its chain of the table.
    @exclusivity(unchecked) var nextInBucket: NamedChannel?
    /// Where sends and receives meet. A broadcast parks both sides in it, and has them meet itself.
    @exclusivity(unchecked) var engine = Engine(.rendezvous)
    /// How many of its messages receivers hold, or have sent back to rest: each may come back.
    @exclusivity(unchecked) var awayCount = 0
    /// The counted receives on it, whether they stand in its queue or are paused.
    @exclusivity(unchecked) var streams: Set<OperationID> = []
    /// What few channels have; nil when it has none of it.
    @exclusivity(unchecked) var extras: ChannelExtras?
    /// Whether it has ended, and only its name is kept for a while.
    @exclusivity(unchecked) var isTombstone = false

    init(_ name: ChannelName, hash: UInt64) {
        self.name = name
        self.hash = hash
    }

    /// What only declared channels, channels with ends, and channels of leases need.
    func ensureExtras() -> ChannelExtras {
        if let extras { return extras }
        let made = ChannelExtras()
        extras = made
        return made
    }

    /// Whether nobody waits on the channel, nobody counts as an end of it, and there is nothing in it or on its way back.
    var isIdle: Bool {
        engine.parkedSenders == 0 && engine.parkedReceivers == 0 && engine.bufferedCount == 0 && awayCount == 0
            && streams.isEmpty && extras?.isIdle != false
    }

    /// Whether there is nothing left to receive, and nothing that may come back.
    var isDrained: Bool {
        engine.parkedSenders == 0 && (engine.bufferedCount == 0 || isOnce) && awayCount == 0
            && extras?.returned.isEmpty != false && extras?.round == nil
    }

    var isOnce: Bool { if case .once = engine.kind { true } else { false } }
    var isBroadcast: Bool { extras?.isBroadcast == true }

    /// Whether a receive has to wait although the channel is closed: what was handed out may come back.
    var mayGetBack: Bool { awayCount > 0 }

    /// Whether a message that comes back is refused, and its sender told.
    var refusesReturns: Bool {
        if case .poisoned = engine.ending { return true }
        return extras?.hasLostReceivers == true
    }

    /// What an operation on the channel is told once the channel has ended.
    var endingReply: Reply {
        switch engine.ending {
        case .poisoned(let reason): .poisoned(name, reason)
        case .closed(let reason): .closed(name, reason)
        case nil: preconditionFailure("the channel has not ended")
        }
    }
}

/// What few channels have.
final class ChannelExtras: @unchecked Sendable {
    // Sendable: as the channel.

    /// What `OPEN` has said; nil for a channel that exists by being used.
    @exclusivity(unchecked) var declaration: ChannelDeclaration?
    /// Whether it is or, now that it is closed, was declared to be a broadcast: what is on its way goes to all even so.
    @exclusivity(unchecked) var isBroadcast = false
    /// What came back from receivers, by position: in front of everything in the engine.
    @exclusivity(unchecked) var returned = IndexedHeap<Offer>()
    /// What came back to rest, by position.
    @exclusivity(unchecked) var resting: [UInt64: Offer] = [:]
    @exclusivity(unchecked) var sendingEnds: Set<ConnectionID> = []
    @exclusivity(unchecked) var receivingEnds: Set<ConnectionID> = []
    /// Whether the channel was closed because the last of its receiving ends has gone.
    @exclusivity(unchecked) var hasLostReceivers = false
    /// Once it is a tombstone, the bytes of the value that it gives still.
    @exclusivity(unchecked) var buriedBytes = 0
    /// The message that is being broadcast, while not all have it.
    @exclusivity(unchecked) var round: BroadcastRound?
    /// The counted receives of a broadcast that are paused.
    @exclusivity(unchecked) var pausedStreams: Set<OperationID> = []

    var isIdle: Bool {
        declaration == nil && returned.isEmpty && sendingEnds.isEmpty && receivingEnds.isEmpty && round == nil
            && pausedStreams.isEmpty
    }
}
