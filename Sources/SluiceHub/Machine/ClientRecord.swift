import SluiceRuntime
import SluiceWire

/// The state machine's record of a connection.
///
/// A class, as a parked operation is: reading one property of a struct of this size copied the whole struct with its
/// references, which took a tenth of a handoff.
final class ClientRecord: Aged, @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    /// The holder that the client's memory is also charged to: its principal or address.
    @exclusivity(unchecked) private(set) var holder: Holder
    /// The bytes charged to the client, for its connection and for everything that it has made; see `Account`.
    @exclusivity(unchecked) private(set) var charged = 0
    /// The bytes of the client's messages that channels keep.
    @exclusivity(unchecked) private(set) var keptBytes = 0
    /// The part of `charged` for input and output, as the connection last reported it.
    @exclusivity(unchecked) private var bufferedBytes = 0
    /// The part of `charged` for the record and, while the connection lasts, for the connection.
    @exclusivity(unchecked) private(set) var ownBytes: Int32 = 0
    /// Whether the connection has not ended. Objects that outlive their connection keep the record.
    @exclusivity(unchecked) private(set) var isConnected = false
    /// Whether the client has half-closed. After that, only operations with `eof=wait` park.
    @exclusivity(unchecked) var hasInputEnded = false
    /// Why the client's parked operations have ended, although some of them may not be told yet. Nil while they wait.
    @exclusivity(unchecked) var departure: Departure?
    /// Whether the client may close other connections: its process could as well signal the hub's.
    @exclusivity(unchecked) var mayKill = false
    /// Whether the client understands `TIMEOUT receivers=0`.
    @exclusivity(unchecked) var understandsReceivers = false
    /// Whether the client understands `OK rejected=yes`.
    @exclusivity(unchecked) var understandsRejected = false
    /// Whether the client understands `OK kept=yes`.
    @exclusivity(unchecked) var understandsKept = false
    /// Which of the client's pending operations prove that it does nothing else.
    @exclusivity(unchecked) var waitEvidence = WaitEvidence.untagged
    /// What the client may do.
    @exclusivity(unchecked) var grant: Grant
    /// The client's address, for reports.
    let address: String
    /// The time at which the client connected, in nanoseconds of the hub's clock.
    let since: UInt64
    /// Nil while the client has neither a label nor a principal: an idle connection must be small.
    @exclusivity(unchecked) private var names: Names?
    /// The head of the list of the connection's parked operations, and their number.
    @exclusivity(unchecked) var firstOperation: OperationID?
    @exclusivity(unchecked) var pendingCount: Int32 = 0
    /// The ends of the list of the leases that the client holds, of which the last is the oldest, and their number.
    @exclusivity(unchecked) var firstLease: LeaseID?
    @exclusivity(unchecked) var lastLease: LeaseID?
    @exclusivity(unchecked) var leaseCount: Int32 = 0
    /// The number of leases that the client's parked operations may still take.
    @exclusivity(unchecked) var reservedLeases = 0
    /// The bytes of the messages that the client waits to send.
    @exclusivity(unchecked) var parkedBytes = 0
    /// The bytes of counted receives and traces that the connection has not yet reported as written.
    @exclusivity(unchecked) var unwrittenBytes = 0
    /// The counted receives that wait for credit.
    @exclusivity(unchecked) var awaitingCredit: [OperationID] = []
    /// The number of channels that the client has declared and that have not ended, and of its traces.
    @exclusivity(unchecked) var declaredCount: Int32 = 0
    @exclusivity(unchecked) var tracers: Int32 = 0
    /// The work that is left after the client has disconnected. Nil before, and once it is done.
    @exclusivity(unchecked) var disconnection: Disconnection?
    /// The ends of channels that the client has joined.
    @exclusivity(unchecked) var ends: [DeclaredEnd] = []
    /// The arms that the client's fair selects took.
    @exclusivity(unchecked) var fairness = FairMemory()
    /// The answers that are kept for the client's calls. Nil if there are none.
    @exclusivity(unchecked) var answers: KeptAnswers?
    /// The channels that the client has used most recently.
    @exclusivity(unchecked) var usage = ChannelUsage()

    /// The segment for the client's replies. Nil for a client of this process.
    @exclusivity(unchecked) var segment: OutboxSegment?
    /// The slot in which the channel table found the client's last channel. -1 at first.
    @exclusivity(unchecked) var channelSlot: Int32 = -1

    init(address: String, since: UInt64, holder: Holder, grant: Grant) {
        self.address = address
        self.since = since
        self.holder = holder
        self.grant = grant
    }

    private final class Names {
        @exclusivity(unchecked) var label: ChannelName?
        @exclusivity(unchecked) var identity: ProvenIdentity?
    }

    private func ensureNames() -> Names {
        if let names { return names }
        let made = Names()
        names = made
        return made
    }

    /// The label that the client has given with `NAME`.
    private(set) var label: ChannelName? {
        get { names?.label }
        set { if newValue != nil || names != nil { ensureNames().label = newValue } }
    }

    /// The principal of the client, and what has proved it. Nil if it has none.
    var identity: ProvenIdentity? {
        get { names?.identity }
        set { ensureNames().identity = newValue }
    }

    var principal: ChannelName? { identity?.principal }

    deinit { holder.charge(-Int(ownBytes)) }

    // MARK: Memory

    /// Charges the client for memory. Negative bytes discharge it.
    @inline(__always)
    func charge(_ bytes: Int) {
        charged += bytes
        holder.charge(bytes)
    }

    /// Notes that channels keep more bytes of the client's messages, or fewer.
    func keep(_ bytes: Int) {
        keptBytes += bytes
        holder.keptBytes += bytes
    }

    /// Charges the client for its connection.
    func beginConnection() {
        isConnected = true
        holder.connections += 1
        ownBytes = Int32(ObjectSize.connection)
        charge(ObjectSize.connection)
    }

    /// Charges the client for its record alone, because an earlier run has had its connection.
    func beginWithoutConnection() { chargeConnection(ObjectSize.record) }

    /// Charges the client for something that its connection always needs. Negative bytes discharge it.
    func chargeConnection(_ bytes: Int) {
        ownBytes += Int32(bytes)
        charge(bytes)
    }

    /// Discharges everything that ends with the connection. The record itself stays charged while objects refer to it.
    func endConnection() {
        isConnected = false
        holder.connections -= 1
        noteBuffers(0)
        charge(ObjectSize.record - Int(ownBytes) - usage.bytes - Self.size(of: label))
        ownBytes = Int32(ObjectSize.record)
        usage = ChannelUsage()
        fairness = FairMemory()
        label = nil
        segment = nil
    }

    /// Updates the charge for input and output that the connection holds.
    func noteBuffers(_ bytes: Int) {
        charge(bytes - bufferedBytes)
        bufferedBytes = bytes
    }

    /// Moves the client's charge to another holder.
    func move(to other: Holder) {
        holder.charge(-charged)
        other.charge(charged)
        holder.keptBytes -= keptBytes
        other.keptBytes += keptBytes
        if isConnected {
            holder.connections -= 1
            other.connections += 1
        }
        holder = other
    }

    /// Replaces the label.
    func rename(to label: ChannelName) {
        charge(Self.size(of: label) - Self.size(of: self.label))
        self.label = label
    }

    private static func size(of label: ChannelName?) -> Int { label.map { ObjectSize.text($0.description) } ?? 0 }

    /// Notes the use of a name.
    @inline(__always)
    func note(_ use: NameUse, of name: ChannelName) {
        let change = usage.note(use, of: name)
        if change != 0 { charge(change) }
    }

    // MARK: Operations

    /// Puts an operation at the head of the list, and returns the previous head.
    func add(_ id: OperationID, _ bodyBytes: Int, _ leases: Int) -> OperationID? {
        pendingCount += 1
        parkedBytes += bodyBytes
        reservedLeases += leases
        defer { firstOperation = id }
        return firstOperation
    }

    /// Updates the counts and the head of the list for an operation that the caller removes.
    func remove(_ operation: ParkedOperation) {
        pendingCount -= 1
        parkedBytes -= Int(operation.bodyBytes)
        reservedLeases -= operation.wait.possibleLeases
        if operation.previous == nil { firstOperation = operation.next }
    }
}

/// Which pending operations of a client prove that the client does nothing until one of them ends.
enum WaitEvidence: Sendable {
    /// An operation without a tag, because the connection's later commands wait for its reply.
    case untagged
    /// All of them together: the client has declared so (`NAME waits=all`).
    case all
    /// None: several tasks of the hub's process may use the connection.
    case none
}

typealias ConnectionID = SlabKey<ClientRecord>

extension ConnectionID {
    /// The connection of a client of an earlier run.
    static var ofNoClient: ConnectionID { ConnectionID(slot: .max, serial: 0) }
}

extension HubStateMachine {
    /// Identifies the holder that a connection counts for.
    func holder(of id: ConnectionID) -> HolderID { (clients[id] ?? unknownClient).holder.id }
}

/// An end of a channel that a connection has joined.
struct DeclaredEnd: Sendable {
    let channel: NamedChannel
    let side: ChannelEnd.Side
    var onDeath: DeathPolicy
}

extension ClientRecord {
    /// Notes which additions the client understands.
    func understand(_ features: Set<Feature>) {
        understandsReceivers = features.contains(.receivers)
        understandsRejected = features.contains(.rejected)
        understandsKept = features.contains(.kept)
    }
}

extension CommonAttributes {
    /// Returns the attributes without those that the client does not understand.
    @inline(__always)
    func understood(by client: ClientRecord) -> CommonAttributes {
        guard isKept, !client.understandsKept else { return self }
        var attributes = self
        attributes.isKept = false
        return attributes
    }
}
