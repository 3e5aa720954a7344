/// One alternative of a `select`, without the types of its message and its result.
///
/// What an arm does with its channel is a closure, created where the types are known, and not a method to override:
/// overrides in a generic class are compiled once for all types, and made a select of two arms take 14 µs.
public class AnySelectArm: @unchecked Sendable {
    // Sendable: an arm belongs to its select's task. While it is parked, the counterpart that claims the select writes
    // `outcome` before it resumes that task.

    /// When the arm can be taken.
    @usableFromInline
    enum Trigger {
        /// When the channel is ready for this side.
        case channel(WaitSide)
        /// When no other arm has been taken for this long.
        case timeout(Duration)
        /// When no other arm is ready.
        case otherwise
    }

    /// What a select makes an arm do.
    @usableFromInline
    enum Step {
        /// Take the arm if that needs no waiting.
        case attempt
        /// The same with the channel locked. What remains to be done for the counterpart is stored in `afterUnlocking`.
        case attemptLocked
        /// Queue the arm, with the channel locked.
        case parkLocked
        /// Dequeue the arm, if it is still queued.
        case unpark
    }

    /// How a taken arm ended.
    @usableFromInline
    enum Outcome {
        case none
        /// The channel has ended; see `Channel.ending`.
        case ended
        /// The message was taken by a receiver.
        case sent
        /// A message was received: a `Parcel` with the `Element`, which the arm owns until it opens it.
        case received(UnsafeMutableRawPointer)
    }

    @usableFromInline final let trigger: Trigger
    /// The arm's channel; nil for an arm without one. Not retained: the subclass retains it.
    final let source: Unmanaged<SelectSource>?
    /// Does a step; returns whether an attempt took the arm.
    @usableFromInline final let perform: (AnySelectArm, Step) -> Bool
    // Every step of a select touches these, on one thread at a time. Checking their exclusivity took 6 % of a select.
    @usableFromInline @exclusivity(unchecked) final var outcome = Outcome.none
    @usableFromInline @exclusivity(unchecked) final var afterUnlocking: (() -> Void)?
    /// The suspended select that the arm belongs to. Not retained: the select waits until none of its arms is queued.
    @usableFromInline @exclusivity(unchecked) final var wait: Unmanaged<SelectWait>?
    /// The arm's place in its channel's queue.
    @usableFromInline @exclusivity(unchecked) final var ticket = WaitTicket.ofNoQueue
    /// The number of arms before this one, as they are written. Not set in a select of one arm.
    @exclusivity(unchecked) final var place = 0
    /// Whether the select considers the arm.
    final var isEnabled = true
    /// The arm that the select tries after this one.
    @exclusivity(unchecked) final var next: AnySelectArm?

    @usableFromInline
    init(_ trigger: Trigger, of source: SelectSource?, perform: @escaping (AnySelectArm, Step) -> Bool) {
        self.trigger = trigger
        self.source = source.map(Unmanaged.passUnretained)
        self.perform = perform
    }

    /// The arm in reports; nil for an arm without a channel.
    final var description: String? {
        guard case .channel(let side) = trigger, let source else { return nil }
        return source._withUnsafeGuaranteedRef { $0.describeWait(side) }
    }

    /// The arm's rank in a fair select: when this side of the channel was last taken. Among arms for the same side,
    /// those behind the arm taken last come first.
    final var fairRank: UInt64 {
        guard case .channel(let side) = trigger, let source else { return 0 }
        let lastTaken = source._withUnsafeGuaranteedRef { $0.lastTaken(side) }
        guard lastTaken.count > 0 else { return 0 }
        return lastTaken.count << 1 | (place > lastTaken.place ? 0 : 1)
    }

    /// Records that the arm is the `count`th that fair selects have taken.
    final func noteTaken(_ count: UInt64) {
        guard case .channel(let side) = trigger, let source else { return }
        source._withUnsafeGuaranteedRef { $0.noteTaken(side, count, place) }
    }

    // MARK: Parked

    /// Takes the right to end the select; false when another arm has it.
    @inlinable
    final func claim() -> Bool {
        wait?._withUnsafeGuaranteedRef { $0.claim() } ?? false
    }

    /// Ends the select with this arm. Only for the counterpart that has claimed it.
    @inlinable
    final func resume(_ outcome: Outcome) {
        self.outcome = outcome
        wait?._withUnsafeGuaranteedRef { $0.resume(.arm(self)) }
    }
}

/// One alternative of a `select` that returns an `Output`: an operation, and a closure to run when the arm is taken.
///
/// Created by `Channel.receiving`, `Channel.sending`, `after` and `otherwise`, for one select.
public class SelectArm<Output>: AnySelectArm, @unchecked Sendable {
    // Sendable: as its superclass.

    /// Runs the arm's closure, after the arm was taken.
    @usableFromInline final let finish: (AnySelectArm) async throws -> Output

    @inlinable
    init(
        _ trigger: Trigger, of source: SelectSource? = nil, perform: @escaping (AnySelectArm, Step) -> Bool,
        finish: @escaping (AnySelectArm) async throws -> Output
    ) {
        self.finish = finish
        super.init(trigger, of: source, perform: perform)
    }

    /// Disables the arm unless `condition` is true. A disabled arm is never taken, like Go's nil channel.
    ///
    /// - Returns: the arm.
    public func when(_ condition: Bool) -> SelectArm {
        isEnabled = isEnabled && condition
        return self
    }
}

/// Creates a select arm that is taken when no other arm has been taken for `duration`.
@inlinable
public func after<Output>(
    _ duration: Duration, _ action: @escaping () async throws -> Output
) -> SelectArm<Output> {
    SelectArm(.timeout(duration), perform: { _, _ in false }, finish: { _ in try await action() })
}

/// Creates a select arm that is taken when no other arm is ready, so that the select never waits.
@inlinable
public func otherwise<Output>(_ action: @escaping () async throws -> Output) -> SelectArm<Output> {
    SelectArm(.otherwise, perform: { _, _ in false }, finish: { _ in try await action() })
}
