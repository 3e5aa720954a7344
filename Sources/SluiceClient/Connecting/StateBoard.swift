import SluiceRuntime
import Synchronization

/// Shows what becomes of the connection to whoever looks or listens. For any thread.
final class StateBoard: Sendable {
    private struct Content {
        var state = ConnectionState.connecting(after: nil)
        var listeners: [Int: AsyncStream<ConnectionState>.Continuation] = [:]
        var lastListener = 0
    }

    private let content = Lock(Content())

    var state: ConnectionState { content.withLock { $0.state } }

    func show(_ state: ConnectionState) {
        let listeners = content.withLock { content in
            content.state = state
            return Array(content.listeners.values)
        }
        for listener in listeners {
            listener.yield(state)
            if case .ended = state { listener.finish() }
        }
    }

    /// The state now, and then each that follows; a listener that does not keep up misses the older ones.
    func states() -> AsyncStream<ConnectionState> {
        let (stream, listener) = AsyncStream.makeStream(
            of: ConnectionState.self, bufferingPolicy: .bufferingNewest(16))
        let (number, state) = content.withLock { content in
            content.lastListener += 1
            content.listeners[content.lastListener] = listener
            // Under the lock, so that it comes before what follows.
            listener.yield(content.state)
            return (content.lastListener, content.state)
        }
        listener.onTermination = { [self] _ in
            content.withLock { $0.listeners[number] = nil }
        }
        if case .ended = state { listener.finish() }
        return stream
    }
}
