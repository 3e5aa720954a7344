import SluiceWire

/// What the state machine knows of a connection.
struct ClientRecord: Sendable {
    /// The client's address, for reports.
    let address: String
    /// Since when it is there, in nanoseconds of the hub's clock.
    let since: UInt64
    /// What the client calls itself.
    var label: ChannelName?
    /// Who it has proved to be.
    var principal: ChannelName?
    /// The head of the list of the connection's parked operations, and their number.
    var firstOperation: OperationID?
    var pendingCount: Int32 = 0
    /// The head of the list of the leases that it holds, and their number.
    var firstLease: LeaseID?
    var leaseCount: Int32 = 0
    /// How many leases its parked operations may still take.
    var reservedLeases = 0
    /// The bytes of the messages that it waits to send.
    var parkedBytes = 0
    /// The bytes of messages of counted receives, and of traces, that its connection has not reported as written.
    var unwrittenBytes = 0
    /// Its counted receives that wait for room in its output.
    var awaitingRoom: [OperationID] = []
    /// The ends of channels that it counts as.
    var ends: [DeclaredEnd] = []
    /// Whether the client has sent its FIN: then nothing parks any more without `eof=wait`.
    var hasInputEnded = false
    /// Which arms its fair selects took.
    var fairness = FairMemory()
    /// Which channels it has used last.
    var usage = ChannelUsage()

    init(address: String, since: UInt64) {
        self.address = address
        self.since = since
    }

    /// Puts an operation at the head of the list; returns the one that was there.
    mutating func enter(_ id: OperationID, _ bodyBytes: Int, _ leases: Int) -> OperationID? {
        pendingCount += 1
        parkedBytes += bodyBytes
        reservedLeases += leases
        defer { firstOperation = id }
        return firstOperation
    }

    /// Takes an operation off the list, whose neighbours know of it.
    mutating func leave(_ operation: ParkedOperation) {
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
