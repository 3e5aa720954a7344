import CLibev

extension Reactor {
    /// Counts an operation that may happen without waiting, so that a task whose operations never wait does not keep
    /// the loop from its timers, its sockets, and its other tasks.
    ///
    /// - Returns: whether the turn's work is done, so that the task must call `giveWay` before it does the operation.
    ///   False off the reactors.
    @usableFromInline
    static func endsTurn() -> Bool {
        guard let reactor = CurrentReactor.unretained else { return false }
        return reactor._withUnsafeGuaranteedRef {
            $0.workLeft &-= 1
            return $0.workLeft < 0
        }
    }

    /// Lets the other tasks run. This is a wait like any other: it ends the loops of cancelled tasks.
    ///
    /// - Throws: `.cancelled` when the task is cancelled, so that the operation must not happen.
    @usableFromInline
    nonisolated(nonsending) static func giveWay() async throws(SluiceError) {
        await Task.yield()
        if Task.isCancelled || TaskRecord.running?.isCancelled == true { throw WithdrawalReason.cancelled.error }
    }

    /// Notes the time for the waits that begin now.
    func noteTime() {
        // libev has read the wall clock after the poll. The reactor's clock is read at most twice a second.
        if runsByItself, !epochs.isOver(by: ev_now(loop)) { return }
        guard epochs.note(nowNanoseconds) else { return }
        for task in tasks.all { task.waitEpoch /= 2 }
    }
}
