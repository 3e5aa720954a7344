import Synchronization

/// Requests to stop, which come from other threads.
extension Reactor {
    /// Whether `requestStop` was called since the reactor was started.
    var isStopping: Bool { stopRequested.load(ordering: .acquiring) }

    /// Forgets an earlier stop, before the reactor is started again.
    func clearStopRequest() {
        stopRequested.store(false, ordering: .releasing)
    }

    func requestStop() {
        stopRequested.store(true, ordering: .releasing)
        wake()
    }
}
