import SluiceRuntime
import SluiceWire

/// The pending events of a simulation, by time. Events at the same time happen in the order in which they were added.
struct EventQueue: ~Copyable {
    enum Event {
        case step(Step)
        case arrival(ClientConnection, [UInt8])
        case arrivalOfEnd(ClientConnection)
        /// The client reads what it was sent.
        case reading(ClientConnection)
        case reaction(ClientConnection, Command)

        /// The client that does it, or that it happens to.
        var client: Int {
            switch self {
            case .step(let step): step.client
            case .arrival(let connection, _), .arrivalOfEnd(let connection), .reading(let connection),
                .reaction(let connection, _):
                connection.client
            }
        }
    }

    private var heap = IndexedHeap<Event>()

    var nextTime: UInt64? { heap.leastPriority }

    mutating func add(_ event: Event, at time: UInt64) {
        _ = heap.insert(event, at: time)
    }

    /// Removes and returns the first event that is due.
    mutating func popFirst(upTo time: UInt64) -> Event? { heap.popFirst(upTo: time) }
}
