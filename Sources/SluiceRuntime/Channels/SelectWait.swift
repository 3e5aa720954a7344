import Synchronization

/// How a parked select ended.
@usableFromInline
enum SelectVerdict: WaitVerdict {
    /// The arm with this index was taken, or found that its channel has ended.
    case arm(Int)
    case withdrawn(WithdrawalReason)
}

/// One suspended select: the claim that its arms share, so that exactly one of them commits.
@usableFromInline
final class SelectWait: WaitSource, @unchecked Sendable {
    // Sendable: `continuation` is set before an arm is parked, and used only by whoever has taken the claim.

    private let isClaimed = Atomic<Bool>(false)
    private var continuation: UnsafeContinuation<SelectVerdict, Never>?
    private let arms: () -> [String]

    /// - Parameter arms: describes the arms, when a report asks for it.
    init(arms: @escaping () -> [String]) {
        self.arms = arms
    }

    /// What a suspended select gives for a ticket: it stands in no queue of its own.
    static let ticket = WaitTicket(index: 0, serial: 0)

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

    package override var waitDescription: String { arms().joined(separator: ", ") }
}

/// A send arm while its select is suspended.
@usableFromInline
final class ParkedSendArm: @unchecked Sendable {
    // Sendable: `verdict` is written by whoever has taken the select's claim, and read after it has resumed.

    private let select: SelectWait
    private let index: Int
    private(set) var verdict: SendVerdict?

    init(of select: SelectWait, index: Int) {
        self.select = select
        self.index = index
    }

    @usableFromInline
    func claim() -> Bool { select.claim() }

    @usableFromInline
    func resume(_ verdict: SendVerdict) {
        self.verdict = verdict
        select.resume(.arm(index))
    }
}

/// A receive arm while its select is suspended.
@usableFromInline
final class ParkedReceiveArm<Element: Sendable>: @unchecked Sendable {
    // Sendable: `verdict` is written by whoever has taken the select's claim, and read after it has resumed.

    @usableFromInline let select: SelectWait
    @usableFromInline let index: Int
    @usableFromInline var verdict: ReceiveVerdict<Element>?

    @inlinable
    init(of select: SelectWait, index: Int) {
        self.select = select
        self.index = index
    }

    @inlinable
    func claim() -> Bool { select.claim() }

    @inlinable
    func resume(_ verdict: ReceiveVerdict<Element>) {
        self.verdict = verdict
        select.resume(.arm(index))
    }
}
