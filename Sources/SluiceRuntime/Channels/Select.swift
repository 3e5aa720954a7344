import Synchronization

/// In which order a select tries its arms when several are ready.
public enum SelectOrder: Sendable {
    /// The channel that a fair select has not taken for the longest time comes first, so that no arm that stays ready is
    /// left out for ever.
    case fair
    /// As written: the first arm has priority (`PRI ALT` in occam).
    case first
    /// By chance, as in Go.
    case random
}

/// Waits until one of several operations can happen, and does exactly that one.
///
/// ```swift
/// let line = try await select {
///     jobs.receiving { job in "job \(job ?? "none: closed")" }
///     results.sending(42) { "sent" }
///     after(.seconds(1)) { "nothing for a second" }
/// }
/// ```
///
/// The arms may be of channels with different elements. The arm that commits runs its closure, whose value the select
/// returns; the others leave no trace in any channel. A receive arm gets nil when its channel is closed.
///
/// The algorithm is that of Go's `selectgo`: try each arm; then, with all channels locked in one order, try again and
/// queue every arm; a counterpart takes the claim that the arms share.
///
/// - Throws: what the closure throws; `.poisoned`, of a channel that an arm names; `.closed`, of a channel that a send
///   arm names; `.cancelled`, then no arm was taken.
public func select<Output>(
    order: SelectOrder = .fair, @SelectBuilder<Output> _ arms: () -> [SelectArm<Output>]
) async throws -> Output {
    var arms = arms().filter(\.isEnabled)
    order.arrange(&arms)
    if let ready = arms.first(where: { $0.attempt() }) {
        order.noteTaken(ready)
        return try await ready.finish()
    }
    if let otherwise = arms.first(where: \.isOtherwise) { return try await otherwise.finish() }
    let taken = try await suspend(among: arms)
    order.noteTaken(taken)
    return try await taken.finish()
}

/// Queues every arm, waits until one has been taken, and returns it.
private nonisolated(nonsending) func suspend<Output>(
    among arms: [SelectArm<Output>]
) async throws(SluiceError) -> SelectArm<Output> {
    let wait = SelectWait { arms.map(\.description) }
    let locks = lockOrder(of: arms)
    let verdict: SelectVerdict = await suspendTask(
        on: wait, .select, timeout: arms.compactMap(\.timeout).min()
    ) { continuation in
        wait.suspend(continuation)
        var ready: Int?
        withAllLocked(locks[...]) {
            ready = arms.firstIndex { $0.attemptLocked() }
            guard ready == nil else { return }
            for (index, arm) in arms.enumerated() { arm.parkLocked(wait, index: index) }
        }
        guard let ready else { return SelectWait.ticket }
        continuation.resume(returning: .arm(ready))
        return nil
    }
    for arm in arms { arm.unpark() }
    switch verdict {
    case .arm(let index): return arms[index]
    case .withdrawn(.timedOut):
        guard let arm = arms.filter({ $0.timeout != nil }).min(by: { ($0.timeout ?? .zero) < ($1.timeout ?? .zero) })
        else { throw WithdrawalReason.timedOut.error }
        return arm
    case .withdrawn(.cancelled): throw WithdrawalReason.cancelled.error
    }
}

/// The channels of the arms, each once, in the order in which every select of the process locks them.
private func lockOrder<Output>(of arms: [SelectArm<Output>]) -> [SelectSource] {
    let sources = arms.compactMap(\.source).sorted { ObjectIdentifier($0) < ObjectIdentifier($1) }
    return sources.enumerated().filter { $0 == 0 || sources[$0 - 1] !== $1 }.map(\.element)
}

private func withAllLocked(_ sources: ArraySlice<SelectSource>, _ body: () -> Void) {
    guard let first = sources.first else { return body() }
    first.withLocked { withAllLocked(sources.dropFirst(), body) }
}

extension SelectOrder {
    /// Counts the arms that fair selects have taken, in the whole process.
    private static let taken = Atomic<UInt64>(0)

    fileprivate func arrange<Output>(_ arms: inout [SelectArm<Output>]) {
        switch self {
        case .first: break
        case .random: arms.shuffle()
        case .fair: arms.sort { $0.lastTaken < $1.lastTaken }
        }
    }

    fileprivate func noteTaken<Output>(_ arm: SelectArm<Output>) {
        guard case .fair = self else { return }
        arm.noteTaken(Self.taken.add(1, ordering: .relaxed).newValue)
    }
}

/// Collects the arms of a `select`.
@resultBuilder
public enum SelectBuilder<Output> {
    public static func buildExpression(_ arm: SelectArm<Output>) -> [SelectArm<Output>] { [arm] }
    public static func buildExpression(_ arms: [SelectArm<Output>]) -> [SelectArm<Output>] { arms }
    public static func buildBlock(_ arms: [SelectArm<Output>]...) -> [SelectArm<Output>] { arms.flatMap(\.self) }
    public static func buildOptional(_ arms: [SelectArm<Output>]?) -> [SelectArm<Output>] { arms ?? [] }
    public static func buildEither(first arms: [SelectArm<Output>]) -> [SelectArm<Output>] { arms }
    public static func buildEither(second arms: [SelectArm<Output>]) -> [SelectArm<Output>] { arms }
    public static func buildArray(_ arms: [[SelectArm<Output>]]) -> [SelectArm<Output>] { arms.flatMap(\.self) }
}

extension Channel {
    /// A select arm that receives from this channel; `action` gets the message, or nil when the channel is closed.
    @inlinable
    public func receiving<Output>(_ action: @escaping (Element?) async throws -> Output) -> SelectArm<Output> {
        ReceiveArm(self, action)
    }

    /// A select arm that sends `message` on this channel.
    @inlinable
    public func sending<Output>(
        _ message: Element, _ action: @escaping () async throws -> Output
    ) -> SelectArm<Output> {
        SendArm(self, message, action)
    }
}

/// A select arm that is taken when no other one could be for `duration`.
public func after<Output>(
    _ duration: Duration, _ action: @escaping () async throws -> Output
) -> SelectArm<Output> {
    FallbackArm(after: duration, action)
}

/// A select arm that is taken at once when no other one is ready, so that the select never waits.
public func otherwise<Output>(_ action: @escaping () async throws -> Output) -> SelectArm<Output> {
    FallbackArm(after: nil, action)
}
