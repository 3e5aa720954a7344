import SluiceRuntime
import Synchronization

/// Shows what becomes of the connection to whoever looks or listens. For any thread.
final class StateBoard: Sendable {
    private struct Content {
        var state = ConnectionState.connecting(after: nil)
        var listeners: [Int: AsyncStream<ConnectionState>.Continuation] = [:]
        var lastListener = 0
        /// Who waits for the end.
        var mourners: [UnsafeContinuation<Void, Never>] = []
    }

    private let content = Lock(Content())

    var state: ConnectionState { content.withLock { $0.state } }

    func show(_ state: ConnectionState) {
        let (listeners, mourners) = content.withLock { content in
            content.state = state
            guard case .ended = state else {
                return (Array(content.listeners.values), [UnsafeContinuation<Void, Never>]())
            }
            defer { content.mourners = [] }
            return (Array(content.listeners.values), content.mourners)
        }
        for listener in listeners {
            listener.yield(state)
            if case .ended = state { listener.finish() }
        }
        for mourner in mourners { mourner.resume() }
    }

    /// Returns once there will be no other connection, whether the task is cancelled or not.
    func waitForEnd() async {
        await withUnsafeContinuation { continuation in
            let hasEnded = content.withLock { content in
                if case .ended = content.state { return true }
                content.mourners.append(continuation)
                return false
            }
            if hasEnded { continuation.resume() }
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
