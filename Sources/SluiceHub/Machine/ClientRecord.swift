/// What the state machine knows of a connection.
struct ClientRecord: Sendable {
    /// The head of the list of the connection's parked operations.
    var firstOperation: OperationID?
    /// Whether the client has sent its FIN: then nothing parks any more without `eof=wait`.
    var hasInputEnded = false
    /// Which arms its fair selects took.
    var fairness = FairMemory()
}

typealias ConnectionID = SlabKey<ClientRecord>
