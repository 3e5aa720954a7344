import SluiceRuntime
import SluiceWire

/// A command that may have to wait for another client.
enum HubOperation: Sendable, Hashable {
    case send(SendCommand)
    case receive(ReceiveCommand)
    case select(SelectCommand)
}

/// Whose operation it is, and the tag that its reply will carry.
struct Caller: Sendable, Hashable {
    let connection: ConnectionID
    let tag: Tag?
}

/// What became of an operation.
enum Outcome: Sendable, Hashable {
    /// It is complete; this is its reply.
    case done(Reply)
    /// It waits: its reply will be an `Effect`.
    case parked(OperationID)
}

/// The final reply to an operation that was parked.
struct Effect: Sendable, Hashable {
    let connection: ConnectionID
    let tag: Tag?
    let reply: Reply
}

/// An operation while it is parked.
struct ParkedOperation: Sendable {
    let caller: Caller
    let wait: OperationWait
    let deadline: TimerHandle?
    let waitsAfterEOF: Bool
    /// The neighbours in the list of the connection's operations.
    var next: OperationID?
    var previous: OperationID?
}

typealias OperationID = SlabKey<ParkedOperation>

/// Where a parked operation stands.
enum OperationWait: Sendable {
    case plain(QueuePlace)
    /// With the key under which a fair select remembers the arm that it takes.
    indirect case select([QueuePlace], FairKey?)
}

/// A place in one queue of a channel.
enum QueuePlace: Sendable {
    case sender(NamedChannel, WaitTicket)
    case receiver(NamedChannel, WaitTicket)
}
