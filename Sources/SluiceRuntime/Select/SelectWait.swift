public import Synchronization

/// How a parked select ended.
@usableFromInline
enum SelectVerdict: WaitVerdict {
    /// The arm was taken, or its channel has ended.
    case arm(AnySelectArm)
    case withdrawn(WithdrawalReason)
}

/// One suspended select, with the claim that its arms share, so that exactly one of them commits.
@usableFromInline
final class SelectWait: WaitSource, @unchecked Sendable {
    // Sendable: `continuation` is set before an arm is parked, and used only after a successful `claim`.

    /// Who may end the select.
    private enum Claim: UInt8, AtomicRepresentable {
        case free
        /// A barrier has found that all its parties are there, and finds out whether it can have all of them.
        case held
        /// The wait is that of an extended receive, which a counterpart wakes and does not meet.
        case scouting
        case taken
    }

    /// Locked while selects are `.held`. Its holder waits for no other lock.
    static let holding = Lock(())

    private let state = Atomic<Claim>(.free)
    @exclusivity(unchecked) private var continuation: UnsafeContinuation<SelectVerdict, Never>?
    private let arms: ArmList

    /// - Parameter isScout: whether the wait is that of an extended receive; see `Channel.receiveExtended`.
    init(among arms: ArmList, scouting isScout: Bool = false) {
        self.arms = arms
        if isScout { state.store(.scouting, ordering: .relaxed) }
    }

    func suspend(_ continuation: UnsafeContinuation<SelectVerdict, Never>) {
        self.continuation = continuation
    }

    /// Claims the right to end the select; false when it was claimed before.
    @usableFromInline
    func claim() -> Bool {
        let (isTaken, found) = state.compareExchange(
            expected: .free, desired: .taken, ordering: .acquiringAndReleasing)
        return isTaken || found != .taken && claimSpecially()
    }

    /// Not inlined, to keep it out of every match with an arm.
    @inline(never)
    private func claimSpecially() -> Bool {
        if endScouting() {
            if let arm = arms.first { resume(.arm(arm)) }
            return false
        }
        Self.holding.withLock { _ in }
        return claim()
    }

    /// Claims the wait of an extended receive; false if it is none, or has ended.
    private func endScouting() -> Bool {
        state.compareExchange(expected: .scouting, desired: .taken, ordering: .acquiringAndReleasing).exchanged
    }

    /// Keeps others from claiming the select, until `endHold`. With `holding` locked only.
    ///
    /// - Returns: false when the select was claimed before.
    func hold() -> Bool {
        state.compareExchange(expected: .free, desired: .held, ordering: .acquiringAndReleasing).exchanged
    }

    /// Ends `hold`, with a claim or without one.
    func endHold(claiming isClaimed: Bool) {
        state.store(isClaimed ? .taken : .free, ordering: .releasing)
    }

    @usableFromInline
    func resume(_ verdict: SelectVerdict) {
        continuation?.resume(returning: verdict)
    }

    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        if endScouting() || claim() { resume(.withdrawn(reason)) }
    }

    package override var waitDescription: String { arms.description }

    package override func describeWait(_ side: WaitSide) -> String {
        side == .select ? super.describeWait(side) : waitDescription
    }
}

/// The base of `Channel`, without the type of its messages: what a select needs.
public class SelectSource: WaitSource {
    /// What the channel is to its users.
    final let role: ChannelRole
    /// Guards the channel's engine.
    @usableFromInline final let lock = Lock(())

    // When a fair select last took a receive, and a send, by the count of `SelectOrder`; 0 for never. The low bits are
    // the place of the arm.
    private final let lastReceiveTaken = Atomic<UInt64>(0)
    private final let lastSendTaken = Atomic<UInt64>(0)

    @usableFromInline
    init(role: ChannelRole) {
        self.role = role
    }

    /// The number of bits for the place of an arm. Arms behind the last place that fits are as one.
    private static let placeBits: UInt64 = 12

    final func lastTaken(_ side: WaitSide) -> (count: UInt64, place: Int) {
        let word =
            side == .send ? lastSendTaken.load(ordering: .relaxed) : lastReceiveTaken.load(ordering: .relaxed)
        return (word >> Self.placeBits, Int(word & ((1 << Self.placeBits) - 1)))
    }

    final func noteTaken(_ side: WaitSide, _ count: UInt64, _ place: Int) {
        let word = count << Self.placeBits | UInt64(min(place, 1 << Self.placeBits - 1))
        if side == .send {
            lastSendTaken.store(word, ordering: .relaxed)
        } else {
            lastReceiveTaken.store(word, ordering: .relaxed)
        }
    }
}
