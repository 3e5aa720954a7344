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
@inlinable
public func select<Output>(
    order: SelectOrder = .fair, @SelectBuilder<Output> _ arms: () -> SelectArms<Output>
) async throws -> Output {
    var arms = arms().list
    let taken: AnySelectArm
    if let ready = arms.takeReady(order) {
        taken = ready
    } else {
        taken = try await arms.wait(order)
    }
    return try await unsafeDowncast(taken, to: SelectArm<Output>.self).finish(taken)
}

extension SelectOrder {
    /// Counts the arms that fair selects have taken, in the whole process.
    private static let taken = Atomic<UInt64>(0)

    func arrange(_ arms: inout ArmList) {
        switch self {
        case .first: break
        case .random: arms.sort { _ in UInt64.random(in: 0 ... .max) }
        case .fair: arms.sort { $0.lastTaken }
        }
    }

    func noteTaken(_ arm: AnySelectArm) {
        guard case .fair = self else { return }
        arm.noteTaken(Self.taken.add(1, ordering: .relaxed).newValue)
    }
}

/// The arms of a `select`, as its builder collects them.
public struct SelectArms<Output> {
    @usableFromInline var list: ArmList

    @usableFromInline
    init(_ list: ArmList) {
        self.list = list
    }
}

/// Collects the arms of a `select`: in a row, behind `if` and `switch`, and from `for`.
@resultBuilder
public enum SelectBuilder<Output> {
    /// One arm.
    @inlinable
    public static func buildExpression(_ arm: SelectArm<Output>) -> SelectArms<Output> {
        SelectArms(ArmList(arm))
    }

    /// Arms that are made elsewhere, such as by `map`.
    public static func buildExpression(_ arms: [SelectArm<Output>]) -> SelectArms<Output> {
        buildArray(arms.map { SelectArms(ArmList($0)) })
    }

    /// The first arms.
    @inlinable
    public static func buildPartialBlock(first: SelectArms<Output>) -> SelectArms<Output> { first }

    /// The arms so far, and the ones that follow.
    @inlinable
    public static func buildPartialBlock(
        accumulated: SelectArms<Output>, next: SelectArms<Output>
    ) -> SelectArms<Output> {
        var arms = accumulated
        arms.list.append(next.list)
        return arms
    }

    /// Arms behind an `if`.
    @inlinable
    public static func buildOptional(_ arms: SelectArms<Output>?) -> SelectArms<Output> {
        arms ?? SelectArms(ArmList())
    }

    /// Arms of an `if` or a `switch`.
    @inlinable
    public static func buildEither(first arms: SelectArms<Output>) -> SelectArms<Output> { arms }

    /// Arms of an `else` or a `switch`.
    @inlinable
    public static func buildEither(second arms: SelectArms<Output>) -> SelectArms<Output> { arms }

    /// Arms from a `for`.
    public static func buildArray(_ arms: [SelectArms<Output>]) -> SelectArms<Output> {
        var all = SelectArms<Output>(ArmList())
        for some in arms { all.list.append(some.list) }
        return all
    }
}
