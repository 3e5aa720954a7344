import Synchronization

/// Who waits for the end of one green task; most tasks have no joiner, or one that comes late, and never make this.
final class Joiners {
    private var queue = WaitQueue<UnsafeContinuation<JoinVerdict, Never>>()

    func add(_ joiner: UnsafeContinuation<JoinVerdict, Never>) -> WaitTicket {
        queue.append(joiner)
    }

    func remove(_ ticket: WaitTicket) -> UnsafeContinuation<JoinVerdict, Never>? {
        queue.remove(ticket)
    }

    func resumeAll() {
        while let joiner = queue.popFirst() { joiner.resume(returning: .ended) }
    }
}

/// How a wait for the end of a task ended.
enum JoinVerdict: WaitVerdict {
    case ended
    case withdrawn(WithdrawalReason)
}
