import Synchronization

/// The order in which a select tries its arms when several are ready.
public enum SelectOrder: String, CaseIterable, Sendable {
    /// Least recently taken first, per side of a channel, so that no arm that stays ready is starved. Several arms for
    /// one side of a channel take turns.
    case fair
    /// In the order in which they are written, as occam's `PRI ALT`.
    case first
    /// Random, as in Go.
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
/// The channels of the arms may have different elements. The closure of the arm that is taken runs, and the select
/// returns its value. The other arms have no effect on any channel. A receive arm gets nil when its channel is closed.
///
/// The algorithm is that of Go's `selectgo`: try each arm; if none is ready, lock all channels in one order, try again,
/// and queue every arm. A counterpart claims the select through any of its arms.
///
/// - Parameters:
///   - order: which arm is taken when several are ready.
///   - arms: the alternatives.
/// - Returns: what the closure of the arm that was taken returns.
/// - Throws: what that closure throws; `.poisoned` when the channel of that arm is poisoned; `.closed` when it is a
///   send arm and its channel is closed; `.cancelled`, when no arm was taken.
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
    /// The number of arms that fair selects of the process have taken.
    private static let taken = Atomic<UInt64>(0)

    func arrange(_ arms: inout ArmList) {
        switch self {
        case .first: break
        case .random: arms.sort { _ in UInt64.random(in: 0 ... .max) }
        case .fair: arms.sort { $0.fairRank }
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

/// Collects the arms of a `select`, which may stand in `if`, `switch` and `for`.
@resultBuilder
public enum SelectBuilder<Output> {
    /// One arm.
    @inlinable
    public static func buildExpression(_ arm: SelectArm<Output>) -> SelectArms<Output> {
        SelectArms(ArmList(arm))
    }

    /// Several arms, such as `map` returns.
    public static func buildExpression(_ arms: [SelectArm<Output>]) -> SelectArms<Output> {
        buildArray(arms.map { SelectArms(ArmList($0)) })
    }

    /// The first arms.
    @inlinable
    public static func buildPartialBlock(first: SelectArms<Output>) -> SelectArms<Output> { first }

    /// The arms so far and the following ones.
    @inlinable
    public static func buildPartialBlock(
        accumulated: SelectArms<Output>, next: SelectArms<Output>
    ) -> SelectArms<Output> {
        var arms = accumulated
        arms.list.append(next.list)
        return arms
    }

    /// The arms of an `if` without an `else`.
    @inlinable
    public static func buildOptional(_ arms: SelectArms<Output>?) -> SelectArms<Output> {
        arms ?? SelectArms(ArmList())
    }

    /// The arms of an `if` or a `switch`.
    @inlinable
    public static func buildEither(first arms: SelectArms<Output>) -> SelectArms<Output> { arms }

    /// The arms of an `else` or a `switch`.
    @inlinable
    public static func buildEither(second arms: SelectArms<Output>) -> SelectArms<Output> { arms }

    /// The arms of a `for`.
    public static func buildArray(_ arms: [SelectArms<Output>]) -> SelectArms<Output> {
        var all = SelectArms<Output>(ArmList())
        for some in arms { all.list.append(some.list) }
        return all
    }
}
