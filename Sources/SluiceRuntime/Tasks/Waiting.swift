import Synchronization

/// The answer of a parked operation: what its counterpart told it, or that it was withdrawn.
@usableFromInline
package protocol WaitVerdict: Sendable {
    static func withdrawn(_ reason: WithdrawalReason) -> Self
}

/// Suspends the calling task until the waiter that `register` queues is resumed.
///
/// This is the one seam between everything that waits and the scheduler. A green task notes its wait in its record, by
/// which a cancellation or a timeout finds it; any other task (off the reactors, or a child of a green task) is found
/// through Swift's cancellation handler, which costs 200 ns more.
///
/// - Parameter register: tries the operation once more; either resumes the continuation and returns nil, or queues it
///   and returns its ticket.
@inlinable
nonisolated(nonsending) package func suspendTask<Verdict: WaitVerdict>(
    on source: WaitSource, _ side: WaitSide, timeout: Duration?,
    register: (UnsafeContinuation<Verdict, Never>) -> WaitTicket?
) async -> Verdict {
    if let task = TaskRecord.running {
        var isForeign = false
        var alarm: TimerHandle?
        // The function that `withUnsafeContinuation` replaces: as one that is isolated to its caller, that one begins by
        // making sure of its executor, which is a tenth of a transfer. The caller runs where it should already.
        let verdict: Verdict = await _unsafeInheritExecutor_withUnsafeContinuation { continuation in
            guard task.owns(continuation) else {
                isForeign = true
                continuation.resume(returning: Verdict.withdrawn(.cancelled))
                return
            }
            if task.isCancelled {
                continuation.resume(returning: Verdict.withdrawn(.cancelled))
            } else if let ticket = register(continuation) {
                alarm = task.park(ParkedWait(on: source, ticket, side), timeout: timeout)
            }
        }
        guard isForeign else {
            task.unpark(alarm: alarm)
            return verdict
        }
    }
    return await suspendForeignTask(on: source, side, timeout: timeout, register: register)
}

/// Out of line, to keep its state out of the frames of green tasks.
@inline(never)
@usableFromInline
nonisolated(nonsending) func suspendForeignTask<Verdict: WaitVerdict>(
    on source: WaitSource, _ side: WaitSide, timeout: Duration?,
    register: (UnsafeContinuation<Verdict, Never>) -> WaitTicket?
) async -> Verdict {
    let wait = ForeignWait(on: source, side)
    let alarm = timeout.map { ForeignAlarm(after: $0) { wait.end(because: .timedOut) } }
    let verdict = await withTaskCancellationHandler {
        await withUnsafeContinuation { continuation in
            if let reason = wait.endedBefore {
                continuation.resume(returning: Verdict.withdrawn(reason))
            } else if let ticket = register(continuation) {
                wait.parked(ticket)
            }
        }
    } onCancel: {
        wait.end(because: .cancelled)
    }
    alarm?.cancel()
    return verdict
}

/// The wait of a task that is not a green one, where its cancellation handler and its timer can find it.
@usableFromInline
final class ForeignWait: @unchecked Sendable {
    // Sendable: `state` is a mutex, and a `WaitSource` may be withdrawn from by any thread.

    private enum State {
        case registering
        case parked(WaitTicket)
        case ended(WithdrawalReason)
    }

    private let source: WaitSource
    private let side: WaitSide
    private let state = Lock(State.registering)

    @usableFromInline
    init(on source: WaitSource, _ side: WaitSide) {
        self.source = source
        self.side = side
    }

    /// Why the wait was ended before it began; nil where it was not.
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

/// The timer of a task that is not a green one: its reactor's, where it runs on one, so that both live by one clock.
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
