import Synchronization

/// A place where a number of tasks wait for each other, again and again.
///
/// When the last of them arrives, all continue, and the barrier is ready for the next round. A party may also wait in a
/// select, and has left the barrier if the select takes another arm. After JCSP's `Barrier` and `AltingBarrier`.
public final class Barrier: SelectSource, @unchecked Sendable {
    // Sendable: `waiters` is guarded by `lock`, and everything else is constant.

    /// The number of tasks that wait for each other.
    public let parties: Int
    /// The barrier's name in reports.
    public let name: String
    @exclusivity(unchecked) private var waiters = WaitQueue<Waiter>()

    /// A party that has arrived.
    fileprivate enum Waiter {
        case task(UnsafeContinuation<BarrierVerdict, Never>)
        case arm(AnySelectArm)
    }

    /// Creates a barrier.
    ///
    /// - Parameters:
    ///   - parties: the number of tasks, at least 1.
    ///   - name: shown in reports.
    public init(parties: Int, name: String = "") {
        precondition(parties >= 1, "parties must be at least 1, and is \(parties)")
        self.parties = parties
        self.name = name
        super.init(role: .barrier)
    }

    /// The number of tasks that wait at the barrier, selects included.
    public var waitingCount: Int { lock.withLock { _ in waiters.count } }

    /// Waits until as many tasks have arrived as the barrier has parties. A task whose wait is cut short has not
    /// arrived: the others wait for another one.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Returns: how many tasks arrived before this one, from 0 to `parties - 1`, so that one of them can do something
    ///   for all.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short.
    @discardableResult
    public func arriveAndWait(timeout: Duration? = nil) async throws(SluiceError) -> Int {
        if Reactor.endsTurn() { try await Reactor.giveWay() }
        if let others = lock.withLock({ _ in meet() }) {
            Self.resume(others)
            return parties - 1
        }
        let verdict: BarrierVerdict = await suspendTask(on: self, .receive, timeout: timeout, register: arrive)
        switch verdict {
        case .met(let place): return place
        case .withdrawn(let reason): throw reason.error
        }
    }

    private func arrive(_ continuation: UnsafeContinuation<BarrierVerdict, Never>) -> WaitTicket? {
        var ticket: WaitTicket?
        let others = lock.withLock { _ in
            let others = meet()
            if others == nil { ticket = waiters.append(.task(continuation)) }
            return others
        }
        if let others {
            Self.resume(others)
            continuation.resume(returning: .met(place: parties - 1))
        }
        return ticket
    }

    /// Creates a select arm that is taken when the select and the other parties wait at the barrier: all of them
    /// continue, or none. In a select with several such arms for one barrier, the first of them counts.
    ///
    /// ```swift
    /// let line = try await select {
    ///     start.arriving { "all have arrived" }
    ///     news.receiving { _ in "not yet" }
    /// }
    /// ```
    public func arriving<Output>(_ action: @escaping () async throws -> Output) -> SelectArm<Output> {
        BarrierArm(self, action)
    }

    // MARK: Meeting

    /// Takes the parties out of the queue if they and the caller are all. Those that wait in a select have been claimed.
    /// With the barrier locked only.
    ///
    /// - Returns: the other parties, for `resume` after unlocking; nil when a party is missing.
    fileprivate func meet() -> [Waiter]? {
        guard waiters.count == parties - 1, claimAll() else { return nil }
        var others: [Waiter] = []
        others.reserveCapacity(waiters.count)
        while let waiter = waiters.popFirst() { others.append(waiter) }
        return others
    }

    /// Claims every select that waits, or none. Dequeues those that another arm has ended.
    private func claimAll() -> Bool {
        guard hasArms else { return true }
        return SelectWait.holding.withLock { _ in
            var held: [SelectWait] = []
            var ended: [WaitTicket] = []
            var last: WaitTicket?
            for _ in 0..<waiters.count {
                guard let (ticket, waiter) = waiters.entry(after: last) else { break }
                last = ticket
                guard case .arm(let arm) = waiter else { continue }
                if let wait = arm.wait?.takeUnretainedValue(), wait.hold() {
                    held.append(wait)
                } else {
                    ended.append(ticket)
                }
            }
            for wait in held { wait.endHold(claiming: ended.isEmpty) }
            for ticket in ended { _ = waiters.remove(ticket) }
            return ended.isEmpty
        }
    }

    private var hasArms: Bool {
        var hasArms = false
        waiters.forEach { if case .arm = $0 { hasArms = true } }
        return hasArms
    }

    fileprivate static func resume(_ others: [Waiter]) {
        for (place, waiter) in others.enumerated() {
            switch waiter {
            case .task(let continuation): continuation.resume(returning: .met(place: place))
            case .arm(let arm): arm.resume(.sent)
            }
        }
    }

    /// Queues an arm, unless its select waits at the barrier already. With the barrier locked only.
    fileprivate func park(_ arm: AnySelectArm) -> WaitTicket {
        // The arms of a select are queued under one lock, so that nothing comes between them.
        if !waiters.isEmpty, case .arm(let other)? = waiters.entry(at: waiters.lastTicket),
            other.wait?.toOpaque() == arm.wait?.toOpaque()
        {
            return .ofNoQueue
        }
        return waiters.append(.arm(arm))
    }

    fileprivate func unpark(_ ticket: WaitTicket) {
        lock.withLock { _ in _ = waiters.remove(ticket) }
    }

    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        guard case .task(let continuation) = lock.withLock({ _ in waiters.remove(ticket) }) else { return }
        continuation.resume(returning: .withdrawn(reason))
    }

    package override var waitDescription: String { role.label(name) }

    package override func describeWait(_ side: WaitSide) -> String { "wait at \(waitDescription)" }
}

/// How a wait at a barrier ended.
private enum BarrierVerdict: WaitVerdict {
    case met(place: Int)
    case withdrawn(WithdrawalReason)
}

/// An arm that waits at a barrier.
private final class BarrierArm<Output>: SelectArm<Output>, @unchecked Sendable {
    // Sendable: as its superclass.

    private let barrier: Barrier
    private let action: () async throws -> Output

    init(_ barrier: Barrier, _ action: @escaping () async throws -> Output) {
        self.barrier = barrier
        self.action = action
        super.init(
            .channel(.receive), of: barrier,
            perform: { arm, step in unsafeDowncast(arm, to: BarrierArm<Output>.self).perform(step) },
            finish: { arm in try await unsafeDowncast(arm, to: BarrierArm<Output>.self).action() })
    }

    private func perform(_ step: Step) -> Bool {
        switch step {
        case .attempt:
            guard let others = barrier.lock.withLock({ _ in barrier.meet() }) else { return false }
            Barrier.resume(others)
            return true
        case .attemptLocked:
            guard let others = barrier.meet() else { return false }
            afterUnlocking = { Barrier.resume(others) }
            return true
        case .parkLocked:
            ticket = barrier.park(self)
        case .unpark:
            barrier.unpark(ticket)
        }
        return false
    }
}
