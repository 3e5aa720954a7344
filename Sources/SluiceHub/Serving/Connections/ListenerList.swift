import SluiceRuntime
import Synchronization

/// The listeners of a hub, which count the connections that failed before the hub saw them.
final class ListenerList: Sendable {
    private struct State {
        var open: [Listener] = []
        /// The refused connections of listeners that were closed.
        var pastRefusals = 0
        /// The connections that were turned away because too many of their address waited to be admitted.
        var turnedAway = 0
    }

    private let state = Lock(State())

    /// The number of connections that were refused for lack of a descriptor.
    var refusedConnections: Int {
        state.withLock { state in state.open.reduce(state.pastRefusals) { $0 + $1.refusedConnections } }
    }

    var turnedAway: Int { state.withLock { $0.turnedAway } }

    /// Counts and reports a connection that is turned away because too many of its address wait to be admitted.
    func countAsTurnedAway(_ address: String, _ origin: ClientOrigin?, _ report: (ClientEvent) -> Void) {
        state.withLock { $0.turnedAway += 1 }
        report(
            ClientEvent(
                kind: .closed(.tooManyOfAddress), address: address, origin: origin, principal: nil, command: nil))
    }

    func add(_ listener: Listener) {
        state.withLock { $0.open.append(listener) }
    }

    func remove(_ listener: Listener) {
        state.withLock { state in
            guard let index = state.open.firstIndex(where: { $0 === listener }) else { return }
            state.open.remove(at: index)
            state.pastRefusals += listener.refusedConnections
        }
    }
}
