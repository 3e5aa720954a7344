/// What a task waits on: a channel, a select, a timer, a descriptor, or another task. A waiter can be withdrawn from
/// it.
///
/// A class and not a protocol, so that a parked wait is two words and calls need no witness table.
public class WaitSource {
    @usableFromInline package init() {}

    /// Dequeues the waiter that `ticket` names and resumes it with `reason`. Does nothing if it was resumed already.
    /// May be called from any thread.
    @usableFromInline
    package func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {}

    /// The source in a report: "channel 'jobs'", "timer".
    @usableFromInline package var waitDescription: String { "" }

    /// A wait for the source in a report: "receive from channel 'jobs'".
    package func describeWait(_ side: WaitSide) -> String { "\(side.verb) \(waitDescription)" }
}

/// Which queue of a `WaitSource` a waiter is in.
@usableFromInline
package enum WaitSide: UInt8, Sendable {
    case send
    case receive
    case select
    case sleep
    case join
    case read
    case write
    case offload

    /// What the waiter does, in a report.
    var verb: String {
        switch self {
        case .send: "send on"
        case .receive: "receive from"
        case .select: "select among"
        case .sleep: "sleep on"
        case .join: "join"
        case .read: "read from"
        case .write: "write to"
        case .offload: "wait for"
        }
    }

    /// Whether only another task can end the wait. Such waits count for the detection of deadlocks.
    @usableFromInline var isWokenByTasksOnly: Bool {
        switch self {
        case .send, .receive, .select, .join: true
        case .sleep, .read, .write, .offload: false
        }
    }
}

/// Why a parked operation ends without having happened.
@usableFromInline
package enum WithdrawalReason: UInt8, Sendable {
    case cancelled
    case timedOut

    @usableFromInline
    var error: SluiceError {
        switch self {
        case .cancelled: SluiceError(.cancelled, "the task was cancelled while it waited")
        case .timedOut: SluiceError(.timedOut, "the time ran out while waiting")
        }
    }
}

/// A task's current wait: where it is queued, and how to withdraw it.
@usableFromInline
package struct ParkedWait {
    /// Not retained: the frame of the parked operation keeps its source alive.
    @usableFromInline let source: Unmanaged<WaitSource>
    @usableFromInline let ticket: WaitTicket
    @usableFromInline let side: WaitSide

    @inlinable
    init(on source: WaitSource, _ ticket: WaitTicket, _ side: WaitSide) {
        self.source = Unmanaged.passUnretained(source)
        self.ticket = ticket
        self.side = side
    }

    func withdraw(because reason: WithdrawalReason) {
        source.takeUnretainedValue().withdraw(ticket, from: side, because: reason)
    }

    var description: String { source.takeUnretainedValue().describeWait(side) }
}

/// A wait source of another target, which withdraws waiters through a closure.
package final class OutsideWaitSource: WaitSource, @unchecked Sendable {
    // Sendable: everything is constant.

    private let description: String
    private let withdrawal: @Sendable (WaitTicket, WithdrawalReason) -> Void

    /// - Parameter withdrawal: see `WaitSource.withdraw`.
    package init(
        _ description: String, withdrawing withdrawal: @escaping @Sendable (WaitTicket, WithdrawalReason) -> Void
    ) {
        self.description = description
        self.withdrawal = withdrawal
        super.init()
    }

    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        withdrawal(ticket, reason)
    }

    package override var waitDescription: String { description }
}
