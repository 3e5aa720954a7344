import Glibc

/// Signals of the operating system, as something that a task can wait for.
///
/// While it is open, its signals do nothing but arrive here: one that comes while nobody waits is kept for the next wait.
/// When it is closed, or nobody refers to it any more, they have their usual effect again.
public final class SignalWatcher: Sendable {
    private let reactor: Reactor
    private let queue: SignalQueue

    fileprivate init(_ queue: SignalQueue, on reactor: Reactor) {
        self.reactor = reactor
        self.queue = queue
    }

    deinit { queue.closeFromAnywhere() }

    /// Waits for the next signal. Tasks of the watcher's reactor may call this, also several at once: then each signal
    /// goes to the one that has waited longest.
    ///
    /// - Parameter timeout: how long to wait at most; nil waits for ever.
    /// - Returns: the signal's number, such as `SIGTERM`.
    /// - Throws: `.timedOut`, `.cancelled`: then no signal was taken. `.closed`; `.misuse` off the reactor.
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

    /// Gives the signals back: waiting tasks get an error with code `.closed`. May be called from any thread.
    public func close() {
        queue.closeFromAnywhere()
    }
}

extension Reactor {
    /// Takes signals over, such as `SIGTERM` and `SIGINT`. On the reactor's thread only.
    ///
    /// - Throws: `.misuse` when a signal is watched already, by whatever reactor; when it cannot be watched; or off the
    ///   reactor's thread.
    public func signals(_ numbers: Int32...) throws(SluiceError) -> SignalWatcher {
        guard isCurrent else { throw SluiceError(.misuse, "signals are watched from a task of \(name)") }
        return SignalWatcher(try SignalQueue(numbers, on: self), on: self)
    }
}
