/// What a task waits on: a channel, a select, a timer, a descriptor, another task. It can take a waiter out again.
///
/// A class rather than a protocol, so that a parked wait is two words and reaching its source needs no witness table.
public class WaitSource {
    @usableFromInline package init() {}

    /// Takes the waiter that `ticket` names out of its queue and resumes it with `reason`; does nothing when it was
    /// resumed already. May be called from any thread.
    @usableFromInline
    package func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {}

    /// The source in a report: "channel 'jobs'", "timer".
    @usableFromInline package var waitDescription: String { "" }
}

/// Which queue of a `WaitSource` a waiter stands in.
@usableFromInline
package enum WaitSide: UInt8, Sendable {
    case send
    case receive
    case select
    case sleep
    case join
    case read
    case write

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
        }
    }

    /// Whether only another task can end the wait, so that it counts for the detection of deadlocks.
    @usableFromInline var isWokenByTasksOnly: Bool {
        switch self {
        case .send, .receive, .select, .join: true
        case .sleep, .read, .write: false
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

/// A task's current wait: where it stands and how to take it out.
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

    var description: String {
        "\(side.verb) \(source.takeUnretainedValue().waitDescription)"
    }
}
