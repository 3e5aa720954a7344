import SluiceRuntime
import Synchronization

/// The connections that a thread of their own has accepted, and that wait until a reactor admits them. Origins take turns, so
/// a client waits for at most one newcomer of each other origin, however many connections one of these makes.
///
/// The thread that accepts does not take the hub's lock. Otherwise the reactors would wait for it when it has lost its
/// processor to another program.
final class Newcomers: Sendable {
    /// The most newcomers after which only origins with few may have further ones, and the number of these.
    private static let mostOfAll = 4 * HubLimits.acceptedAhead
    private static let few = 64

    private struct State {
        var queue = FairQueue<Newcomer, ClientOrigin?>()
        /// Whether the reactor has been told that the queue is not empty.
        var isAnnounced = false
    }

    private let state = Lock(State())

    /// Whether a further newcomer of an origin may wait.
    func hasRoom(for origin: ClientOrigin?) -> Bool {
        state.withLock { state in
            let own = state.queue.count(of: origin)
            return own < Self.few || own < HubLimits.acceptedAhead && state.queue.count < Self.mostOfAll
        }
    }

    /// Adds a newcomer.
    ///
    /// - Returns: whether the reactor must be told.
    func append(_ newcomer: Newcomer, of origin: ClientOrigin?) -> Bool {
        state.withLock { state in
            state.queue.append(newcomer, of: origin)
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
    }

    /// Returns the next newcomer, or nil if there is none. Then the reactor must be told about the next one.
    func popFirst() -> Newcomer? {
        state.withLock { state in
            let first = state.queue.popFirst()?.element
            if first == nil { state.isAnnounced = false }
            return first
        }
    }
}

/// A connection that is not admitted yet. One thread at a time has it, and then the lock of the queue is between them.
final class Newcomer: @unchecked Sendable {
    // Sendable: see above.

    let context: AdmissionContext
    private var socket: AcceptedSocket?

    init(_ socket: consuming AcceptedSocket, _ context: AdmissionContext) {
        self.socket = consume socket
        self.context = context
    }

    /// Returns the socket once.
    func takeSocket() -> AcceptedSocket? { socket.take() }
}
