import SluiceRuntime
import Synchronization

/// The accepted connections that wait until a reactor admits them.
///
/// A thread of its own accepts connections, and queues them here. Origins take turns. So the first newcomer of an
/// origin waits for at most one newcomer of each other origin, however many connections another origin makes.
///
/// The accepting thread does not take the hub's lock. Otherwise the reactors would wait whenever that thread lost its
/// processor to another program.
final class Newcomers: Sendable {
    /// With this many newcomers, only origins with few of them may add further ones.
    private static let mostOfAll = 4 * HubLimits.acceptedAhead
    /// An origin with fewer newcomers than this may always add one.
    private static let few = 64

    private struct State {
        var queue = FairQueue<Newcomer, ClientOrigin?>()
        /// Whether the reactor has been told that the queue is not empty.
        var isAnnounced = false
    }

    private let state = Lock(State())

    /// Returns whether an origin may add a newcomer.
    func hasRoom(for origin: ClientOrigin?) -> Bool {
        state.withLock { state in
            let own = state.queue.count(of: origin)
            return own < Self.few || own < HubLimits.acceptedAhead && state.queue.count < Self.mostOfAll
        }
    }

    /// Adds a newcomer.
    ///
    /// - Returns: whether the reactor must be told that the queue is not empty.
    func append(_ newcomer: Newcomer, of origin: ClientOrigin?) -> Bool {
        state.withLock { state in
            state.queue.append(newcomer, of: origin)
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
    }

    /// Returns the next newcomer; nil if there is none. After nil, the next `append` says that the reactor must be
    /// told.
    func popFirst() -> Newcomer? {
        state.withLock { state in
            let first = state.queue.popFirst()?.element
            if first == nil { state.isAnnounced = false }
            return first
        }
    }
}

/// An accepted connection that is not admitted yet.
final class Newcomer: @unchecked Sendable {
    // Sendable: one thread at a time has it, and hands it over under the lock of the queue.

    let context: AdmissionContext
    private var socket: AcceptedSocket?

    init(_ socket: consuming AcceptedSocket, _ context: AdmissionContext) {
        self.socket = consume socket
        self.context = context
    }

    /// Returns the socket; nil if it was taken before.
    func takeSocket() -> AcceptedSocket? { socket.take() }
}
