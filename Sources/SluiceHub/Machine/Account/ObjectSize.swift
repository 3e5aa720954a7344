import SluiceRuntime
import SluiceWire

/// The bytes that the hub charges for each kind of object.
///
/// A charge is close to what an object adds to the resident memory of a release build on Linux with glibc, measured for
/// 30 000 objects with `Tests/Faults/Rows/hoards.py`. It includes the object's share of tables that grow by doubling.
/// Where the figure varies, the charge is closer to the largest: a channel that many operations share is charged to
/// each of them, because the last of them keeps it alive alone.
enum ObjectSize {
    /// A connection, from its socket to its record. 3 000 idle connections took 1 283 bytes each.
    static let connection = 1536
    /// What TLS adds to a connection: OpenSSL's session, without buffers.
    static let tls = 18 << 10
    /// What TLS adds to a connection during the handshake, at most: OpenSSL reserves 128 KiB for a first message that
    /// announces as much. An ordinary handshake takes 50 KB.
    static let handshake = 160 << 10
    /// What a door adds to a connection: the HTTP connection, and the virtual socket between the two.
    static let door = 1536
    /// The record of a connection, which may outlive it.
    static let record = 512
    /// A parked receive on a channel of its own, with its tag, without the channel's name.
    static let receive = 512
    /// A parked receive that may take a lease.
    static let leasedReceive = receive + lease
    /// A parked send without its offer.
    static let send = 288
    /// What a counted receive adds to a parked receive.
    static let countedReceive = 832
    /// A parked select without its arms.
    static let select = 320
    /// A receive arm of a parked select, or a barrier arm, on a channel of its own. A send arm also has an offer.
    static let arm = 384
    static let sendingArm = 64
    /// An operation's entry among the deadlines.
    static let deadline = 112
    /// A parked trace.
    static let tracer = 768
    /// An offer with an empty body, in the queue of a channel of its own.
    static let offer = 448
    /// An offer in the buffer of a declared channel, which is charged separately.
    static let keptOffer = 224
    /// The least charge for a message that is handed out while its sender waits.
    static let leastHandedOut = send + offer
    /// What a returned offer adds: the channel's heap of returned messages.
    static let returned = 512
    /// The origin of a dead letter, without its texts.
    static let storedOrigin = 208
    /// A trace context, without its text.
    static let trace = 96
    /// A lease.
    static let lease = 208
    /// A remembered id, without its texts.
    static let rememberedID = 160
    /// An answer that is kept, without its bytes.
    static let keptAnswer = 192
    /// The list of a client's elements that are kept for some time.
    static let retainedList = 416
    /// The name of an ended channel.
    static let tombstone = 352
    /// A declared channel.
    static let declaredChannel = 640
    /// A joined end of a channel of its own, without the channel's name.
    static let end = 768
    /// A name among those that a connection has used recently.
    static let usedName = 32

    /// The name of an ended channel, with the reason.
    static func tombstone(of channel: NamedChannel) -> Int {
        let reason =
            switch channel.engine.ending {
            case .closed(let reason), .poisoned(let reason): reason
            case nil: nil as String?
            }
        return tombstone + text(channel.name.description) + (reason.map { text($0) } ?? 0)
    }

    /// A declared channel, with its failure policy.
    static func declared(_ channel: NamedChannel) -> Int {
        let dead = channel.extras?.policy?.deadChannel.map { text($0.description) } ?? 0
        return declaredChannel + text(channel.name.description) + dead
    }

    /// A joined end.
    static func end(of channel: ChannelName) -> Int { end + text(channel.description) }

    /// A parked party at a barrier.
    static func party(at barrier: ChannelName) -> Int { receive + text(barrier.description) }

    /// The origin of a dead letter.
    static func storedOrigin(_ origin: StoredOrigin) -> Int {
        storedOrigin + text(origin.from.description) + (origin.reason.map { text($0) } ?? 0)
            + (origin.id.map { text($0.description) } ?? 0)
    }

    /// What only few messages have: the origin of a dead letter, or a trace context.
    static func extras(_ extras: OfferExtras) -> Int {
        (extras.storedOrigin.map { storedOrigin($0) } ?? 0) + (extras.trace.map { trace($0) } ?? 0)
    }

    /// The trace context of a message.
    static func trace(_ trace: TraceContext) -> Int { self.trace + text(trace.description) }

    /// An array of `count` bytes.
    static func bytes(_ count: Int) -> Int { count == 0 ? 0 : count + 48 }

    /// A text that is too long to be stored in place.
    static func text(_ text: String) -> Int { text.utf8.count > 15 ? text.utf8.count + 48 : 0 }

    /// The id of an offer that is pending.
    static func key(_ key: SendKey) -> Int { 112 + text(key.id.description) + text(key.channel.description) }

    /// The id of a delivered message.
    static func remembered(_ key: SendKey) -> Int {
        rememberedID + text(key.id.description) + text(key.channel.description)
    }

    /// A draft that becomes an offer.
    static func offer(_ draft: Draft) -> Int {
        offer + bytes(draft.body.count) + (draft.key.map { key($0) } ?? 0) + (draft.extras.map { extras($0) } ?? 0)
    }

    /// A draft that a declared channel keeps.
    static func keptOffer(_ draft: Draft) -> Int { offer(draft) - offer + keptOffer }

    /// The offer of an arm of a select.
    static func offer(_ arm: Arm) -> Int {
        guard case .send(let name, let body, let id, let trace) = arm else { return 0 }
        return offer + bytes(body.count) + (id.map { key(SendKey(channel: name, id: $0)) } ?? 0)
            + (trace.map { self.trace($0) } ?? 0)
    }

    /// A parked counted receive, with the leases that it may take.
    static func countedReceive(_ counted: CountedReceive) -> Int {
        receive + text(counted.channel.name.description) + countedReceive + counted.openWindow * lease
    }

    /// A parked select, without its offers.
    static func select(_ command: SelectCommand) -> Int {
        var bytes = select
        var mayLease = false
        for arm in command.arms {
            if case .receive(_, let duration?) = arm, duration > .zero { mayLease = true }
            switch arm {
            case .send: bytes += sendingArm
            case .receive(let name, _), .barrier(let name, _): bytes += self.arm + text(name.description)
            }
        }
        return bytes + (mayLease ? lease : 0)
    }
}
