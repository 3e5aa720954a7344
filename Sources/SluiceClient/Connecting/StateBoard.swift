import SluiceRuntime
import Synchronization

/// Shows the state of the connection to those that read it or listen to it. For any thread.
final class StateBoard: Sendable {
    private struct Content {
        var state = ConnectionState.connecting(after: nil)
        var listeners: [Int: AsyncStream<ConnectionState>.Continuation] = [:]
        var lastListener = 0
        /// The tasks that wait for the end.
        var endWaiters: [UnsafeContinuation<Void, Never>] = []
    }

    private let content = Lock(Content())

    var state: ConnectionState { content.withLock { $0.state } }

    func show(_ state: ConnectionState) {
        let (listeners, endWaiters) = content.withLock { content in
            content.state = state
            guard case .ended = state else {
                return (Array(content.listeners.values), [UnsafeContinuation<Void, Never>]())
            }
            defer { content.endWaiters = [] }
            return (Array(content.listeners.values), content.endWaiters)
        }
        for listener in listeners {
            listener.yield(state)
            if case .ended = state { listener.finish() }
        }
        for waiter in endWaiters { waiter.resume() }
    }

    /// Waits until there will be no other connection, also in a cancelled task.
    func waitForEnd() async {
        await withUnsafeContinuation { continuation in
            let hasEnded = content.withLock { content in
                if case .ended = content.state { return true }
                content.endWaiters.append(continuation)
                return false
            }
            if hasEnded { continuation.resume() }
        }
    }

    /// Returns the current state, and then each change. A slow listener misses older ones.
    func states() -> AsyncStream<ConnectionState> {
        let (stream, listener) = AsyncStream.makeStream(
            of: ConnectionState.self, bufferingPolicy: .bufferingNewest(16))
        let (number, state) = content.withLock { content in
            content.lastListener += 1
            content.listeners[content.lastListener] = listener
            // Under the lock, so that it comes before the next change.
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
