/// Suspends the calling task for `duration`, by its reactor's clock, or by the system's off the reactors.
///
/// - Throws: `.cancelled` when the task is cancelled before the time has passed.
public func sleep(for duration: Duration) async throws(SluiceError) {
    guard let reactor = Reactor.current else {
        do {
            return try await Task.sleep(for: duration)
        } catch {
            throw WithdrawalReason.cancelled.error
        }
    }
    let sleepers = reactor.sleepers
    let verdict: SleepVerdict = await suspendTask(on: sleepers, .sleep, timeout: duration, register: sleepers.register)
    if verdict == .cancelled { throw WithdrawalReason.cancelled.error }
}

enum SleepVerdict: WaitVerdict {
    case over
    case cancelled

    static func withdrawn(_ reason: WithdrawalReason) -> SleepVerdict {
        switch reason {
        case .timedOut: .over
        case .cancelled: .cancelled
        }
    }
}

/// The sleeping tasks of a reactor.
final class Sleepers: WaitSource, @unchecked Sendable {
    // Sendable: `withdraw` may be called from any thread; everything else belongs to the reactor's thread.

    private unowned(unsafe) let reactor: Reactor
    private var queue = WaitQueue<UnsafeContinuation<SleepVerdict, Never>>()

    init(of reactor: Reactor) {
        self.reactor = reactor
    }

    func register(_ continuation: UnsafeContinuation<SleepVerdict, Never>) -> WaitTicket? {
        queue.append(continuation)
    }

    override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        reactor.perform { [self] in queue.remove(ticket)?.resume(returning: .withdrawn(reason)) }
    }

    override var waitDescription: String { "the clock" }
}
