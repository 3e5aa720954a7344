import Synchronization

/// How a parked select ended.
@usableFromInline
enum SelectVerdict: WaitVerdict {
    /// The arm was taken, or found that its channel has ended.
    case arm(AnySelectArm)
    case withdrawn(WithdrawalReason)
}

/// One suspended select: the claim that its arms share, so that exactly one of them commits.
@usableFromInline
final class SelectWait: WaitSource, @unchecked Sendable {
    // Sendable: `continuation` is set before an arm is parked, and used only by whoever has taken the claim.

    private let isClaimed = Atomic<Bool>(false)
    @exclusivity(unchecked) private var continuation: UnsafeContinuation<SelectVerdict, Never>?
    private let arms: ArmList

    init(among arms: ArmList) {
        self.arms = arms
    }

    func suspend(_ continuation: UnsafeContinuation<SelectVerdict, Never>) {
        self.continuation = continuation
    }

    /// Takes the right to end the select; false when another has it.
    @usableFromInline
    func claim() -> Bool {
        !isClaimed.exchange(true, ordering: .acquiringAndReleasing)
    }

    @usableFromInline
    func resume(_ verdict: SelectVerdict) {
        continuation?.resume(returning: verdict)
    }

    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        if claim() { resume(.withdrawn(reason)) }
    }

    package override var waitDescription: String { arms.description }
}
