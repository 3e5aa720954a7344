import Synchronization

/// How a parked operation ended: as its counterpart decided, or withdrawn.
@usableFromInline
package protocol WaitVerdict: Sendable {
    static func withdrawn(_ reason: WithdrawalReason) -> Self
}

/// Suspends the calling task until the waiter that `register` queues is resumed.
///
/// This is the only seam between operations that wait and the scheduler. (`Channel` inlines the part for a green task
/// without a timeout.) A green task stores its wait in its record, where a cancellation or a timeout finds it. For any
/// other task (off the reactors, or a child of a green task), Swift's cancellation handler finds the wait, which costs
/// 200 ns more.
///
/// - Parameters:
///   - timeout: the longest time to wait; nil waits without a limit.
///   - register: tries the operation once more. Either it resumes the continuation and returns nil, or it queues the
///     continuation and returns its ticket.
/// - Returns: how the operation ended.
@inlinable
nonisolated(nonsending) package func suspendTask<Verdict: WaitVerdict>(
    on source: WaitSource, _ side: WaitSide, timeout: Duration?,
    register: (UnsafeContinuation<Verdict, Never>) -> WaitTicket?
) async -> Verdict {
    if let task = TaskRecord.running {
        var alarm: TimerHandle?
        // Not `withUnsafeContinuation`: that is isolated to its caller and begins by making sure of its executor, which
        // takes a tenth of a transfer. The caller is on its executor already.
        let verdict: Verdict = await _unsafeInheritExecutor_withUnsafeContinuation { continuation in
            alarm = task.suspend(continuation, on: source, side, timeout: timeout, register: register)
        }
        if task.resumes(alarm: alarm) { return verdict }
    }
    return await suspendForeignTask(on: source, side, timeout: timeout, register: register)
}

/// Not inlined, to keep its state out of the frames of green tasks.
@inline(never)
@usableFromInline
nonisolated(nonsending) func suspendForeignTask<Verdict: WaitVerdict>(
    on source: WaitSource, _ side: WaitSide, timeout: Duration?,
    register: (UnsafeContinuation<Verdict, Never>) -> WaitTicket?
) async -> Verdict {
    let wait = ForeignWait(on: source, side)
    // Where the detection of deadlocks finds the wait.
    var reactor: Reactor?
    let alarm = timeout.map { ForeignAlarm(after: $0) { wait.end(because: .timedOut) } }
    let verdict = await withTaskCancellationHandler {
        await withUnsafeContinuation { continuation in
            if let reason = wait.endedBefore {
                continuation.resume(returning: Verdict.withdrawn(reason))
            } else if let ticket = register(continuation) {
                wait.parked(ticket)
                reactor = side.isWokenByTasksOnly ? Reactor.current : nil
                reactor?.list(wait, of: unsafeBitCast(continuation, to: UnsafeRawPointer.self))
            }
        }
    } onCancel: {
        wait.end(because: .cancelled)
    }
    alarm?.cancel()
    reactor?.unlist(wait)
    return verdict
}

/// The wait of a task that is not a green task, where its cancellation handler and its timer find it.
@usableFromInline
final class ForeignWait: @unchecked Sendable {
    // Sendable: `state` is a lock, and any thread may withdraw a waiter from a `WaitSource`.

    private enum State {
        case registering
        case parked(WaitTicket)
        case ended(WithdrawalReason)
    }

    private let source: WaitSource
    private let side: WaitSide
    private let state = Lock(State.registering)
    /// The address of the Swift task that waits, while its reactor lists it. Set on the reactor's thread.
    var task: UInt = 0

    @usableFromInline
    init(on source: WaitSource, _ side: WaitSide) {
        self.source = source
        self.side = side
    }

    /// The wait in a report.
    var description: String { source.describeWait(side) }

    /// Why the wait ended before the operation was registered; nil if it did not.
    @usableFromInline
    var endedBefore: WithdrawalReason? {
        state.withLock {
            if case .ended(let reason) = $0 { reason } else { nil }
        }
    }

    @usableFromInline
    func parked(_ ticket: WaitTicket) {
        let ended: WithdrawalReason? = state.withLock { state in
            if case .ended(let reason) = state { return reason }
            state = .parked(ticket)
            return nil
        }
        if let ended { source.withdraw(ticket, from: side, because: ended) }
    }

    @usableFromInline
    func end(because reason: WithdrawalReason) {
        let ticket: WaitTicket? = state.withLock { state in
            let ticket: WaitTicket? = if case .parked(let ticket) = state { ticket } else { nil }
            state = .ended(reason)
            return ticket
        }
        if let ticket { source.withdraw(ticket, from: side, because: reason) }
    }
}

/// The timer of a task that is not a green task. On a reactor it is the reactor's, so that one clock counts for both.
private enum ForeignAlarm {
    case reactor(Reactor, TimerHandle)
    case task(Task<Void, Never>)

    init(after timeout: Duration, _ expire: @escaping @Sendable () -> Void) {
        if let reactor = Reactor.current {
            self = .reactor(reactor, reactor.call(after: timeout, expire))
        } else {
            self = .task(
                Task.detached {
                    guard (try? await Task.sleep(for: timeout)) != nil else { return }
                    expire()
                })
        }
    }

    func cancel() {
        switch self {
        case .reactor(let reactor, let handle): reactor.perform { reactor.cancelTimer(handle) }
        case .task(let task): task.cancel()
        }
    }
}
