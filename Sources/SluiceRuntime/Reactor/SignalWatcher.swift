import Glibc

/// Signals of the operating system that tasks can wait for.
///
/// While the watcher is open, its signals have no other effect. Up to 64 signals that arrive while no task waits are
/// kept for the next waits. The signals have their usual effect again when the watcher is closed, or nothing refers to
/// it any more.
public final class SignalWatcher: Sendable {
    private let reactor: Reactor
    private let queue: SignalQueue

    fileprivate init(_ queue: SignalQueue, on reactor: Reactor) {
        self.reactor = reactor
        self.queue = queue
    }

    deinit { queue.closeFromAnywhere() }

    /// Waits for the next signal. For tasks of the watcher's reactor. When several tasks wait, a signal goes to the one
    /// that has waited longest.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Returns: the signal's number, such as `SIGTERM`.
    /// - Throws: `.timedOut` or `.cancelled`, when no signal was taken; `.closed` after `close`; `.misuse` off the
    ///   reactor's thread.
    public func next(timeout: Duration? = nil) async throws(SluiceError) -> Int32 {
        guard reactor.isCurrent else {
            throw SluiceError(.misuse, "\(queue.waitDescription) belong to the tasks of \(reactor.name)")
        }
        if let number = queue.takePending() { return number }
        let verdict: SignalVerdict = await suspendTask(on: queue, .read, timeout: timeout, register: queue.register)
        switch verdict {
        case .arrived(let number): return number
        case .closed: throw SluiceError(.closed, "\(queue.waitDescription) are no longer watched")
        case .withdrawn(let reason): throw reason.error
        }
    }

    /// Stops watching the signals. Waiting tasks throw `.closed`. May be called from any thread.
    public func close() {
        queue.closeFromAnywhere()
    }
}

extension Reactor {
    /// Starts watching signals, such as `SIGTERM` and `SIGINT`. On the reactor's thread only.
    ///
    /// - Throws: `.misuse` when a signal is watched already, by any reactor; when it cannot be watched; and off the
    ///   reactor's thread.
    public func signals(_ numbers: Int32...) throws(SluiceError) -> SignalWatcher {
        guard isCurrent else { throw SluiceError(.misuse, "call signals from a task of \(name)") }
        return SignalWatcher(try SignalQueue(numbers, on: self), on: self)
    }
}
