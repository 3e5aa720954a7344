import SluiceWire

/// What the state machine knows of a connection.
///
/// An object, as a parked operation is: a value of that size, full of references, is copied to look at one property of it,
/// which took a tenth of a handoff.
final class ClientRecord: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    /// The client's address, for reports.
    let address: String
    /// Since when it is there, in nanoseconds of the hub's clock.
    let since: UInt64
    /// What the client calls itself.
    @exclusivity(unchecked) var label: ChannelName?
    /// Who it has proved to be.
    @exclusivity(unchecked) var principal: ChannelName?
    /// The head of the list of the connection's parked operations, and their number.
    @exclusivity(unchecked) var firstOperation: OperationID?
    @exclusivity(unchecked) var pendingCount: Int32 = 0
    /// The head of the list of the leases that it holds, and their number.
    @exclusivity(unchecked) var firstLease: LeaseID?
    @exclusivity(unchecked) var leaseCount: Int32 = 0
    /// How many leases its parked operations may still take.
    @exclusivity(unchecked) var reservedLeases = 0
    /// The bytes of the messages that it waits to send.
    @exclusivity(unchecked) var parkedBytes = 0
    /// The bytes of messages of counted receives, and of traces, that its connection has not reported as written.
    @exclusivity(unchecked) var unwrittenBytes = 0
    /// Its counted receives that wait for room in its output.
    @exclusivity(unchecked) var awaitingRoom: [OperationID] = []
    /// The ends of channels that it counts as.
    @exclusivity(unchecked) var ends: [DeclaredEnd] = []
    /// Whether the client has sent its FIN: then nothing parks any more without `eof=wait`.
    @exclusivity(unchecked) var hasInputEnded = false
    /// Which arms its fair selects took.
    @exclusivity(unchecked) var fairness = FairMemory()
    /// Which channels it has used last.
    @exclusivity(unchecked) var usage = ChannelUsage()

    /// The way of its replies; nil for a client of this process.
    @exclusivity(unchecked) var segment: OutboxSegment?
    /// Where the channel table found the channel that it used last; -1 at first.
    @exclusivity(unchecked) var channelSlot: Int32 = -1

    init(address: String, since: UInt64) {
        self.address = address
        self.since = since
    }

    /// Puts an operation at the head of the list; returns the one that was there.
    func enter(_ id: OperationID, _ bodyBytes: Int, _ leases: Int) -> OperationID? {
        pendingCount += 1
        parkedBytes += bodyBytes
        reservedLeases += leases
        defer { firstOperation = id }
        return firstOperation
    }

    /// Takes an operation off the list, whose neighbours know of it.
    func leave(_ operation: ParkedOperation) {
        pendingCount -= 1
        parkedBytes -= Int(operation.bodyBytes)
        reservedLeases -= operation.wait.possibleLeases
        if operation.previous == nil { firstOperation = operation.next }
    }
}

typealias ConnectionID = SlabKey<ClientRecord>

/// An end of a channel that a connection counts as.
struct DeclaredEnd: Sendable {
    let channel: NamedChannel
    let side: ChannelEnd.Side
    var onDeath: DeathPolicy
}
