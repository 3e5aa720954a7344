/// One alternative of a `select`, as the select sees it: whatever the messages, whatever the result.
///
/// What an arm does with its channel is a closure that is made where the types are known, rather than a method to
/// override: methods of a generic class are dispatched to code that is compiled once for all types, and made a select of
/// two arms take 14 µs.
public class AnySelectArm: @unchecked Sendable {
    // Sendable: an arm belongs to its select's task. While it is parked, whoever takes the select's claim writes `outcome`
    // before it resumes that task.

    /// When the arm can be taken.
    @usableFromInline
    enum Trigger {
        /// When this side of the arm's channel is ready.
        case channel(WaitSide)
        /// When no other arm was for this long.
        case timeout(Duration)
        /// When no other arm is.
        case otherwise
    }

    /// What a select has an arm do.
    @usableFromInline
    enum Step {
        /// Take the arm if that needs no waiting.
        case attempt
        /// The same, with the channel locked: what is to be done for the counterpart is left in `afterUnlocking`.
        case attemptLocked
        /// Queue the arm, with the channel locked.
        case parkLocked
        /// Take the arm out of its queue, where it still stands there.
        case unpark
    }

    /// How a taken arm ended.
    @usableFromInline
    enum Outcome {
        case none
        /// The channel has ended; it knows how.
        case ended
        /// The message was taken by a receiver.
        case sent
        /// A message was received: the address of one `Element`, which the arm owns until it moves it out.
        case received(UnsafeMutableRawPointer)
    }

    @usableFromInline final let trigger: Trigger
    /// The arm's channel; nil for an arm without one. Not retained: the subclass holds it, with its type.
    final let source: Unmanaged<SelectSource>?
    /// Does a step; returns whether an attempt took the arm.
    @usableFromInline final let perform: (AnySelectArm, Step) -> Bool
    // Every step of a select touches these, one thread at a time: checking their exclusivity took 6 % of it.
    @usableFromInline @exclusivity(unchecked) final var outcome = Outcome.none
    @usableFromInline @exclusivity(unchecked) final var afterUnlocking: (() -> Void)?
    /// The suspended select of which this is an arm. Not retained: it waits until no arm stands in a queue any more.
    @usableFromInline @exclusivity(unchecked) final var wait: Unmanaged<SelectWait>?
    /// The arm's place in its channel's queue.
    @usableFromInline @exclusivity(unchecked) final var ticket = WaitTicket.ofNoQueue
    /// Whether the select looks at the arm at all.
    final var isEnabled = true
    /// The arm that the select tries after this one.
    @exclusivity(unchecked) final var next: AnySelectArm?

    @usableFromInline
    init(_ trigger: Trigger, of source: SelectSource?, perform: @escaping (AnySelectArm, Step) -> Bool) {
        self.trigger = trigger
        self.source = source.map(Unmanaged.passUnretained)
        self.perform = perform
    }

    /// The arm in a report; nil for an arm without a channel.
    final var description: String? {
        guard case .channel(let side) = trigger, let source else { return nil }
        return source._withUnsafeGuaranteedRef { "\(side.verb) \($0.waitDescription)" }
    }

    /// When a fair select last took this side of the channel, as `SelectOrder` counts; 0 for never.
    final var lastTaken: UInt64 {
        guard case .channel(let side) = trigger, let source else { return 0 }
        return source._withUnsafeGuaranteedRef { $0.lastTaken(side) }
    }

    /// Notes that a fair select took the arm as its `count`th.
    final func noteTaken(_ count: UInt64) {
        guard case .channel(let side) = trigger, let source else { return }
        source._withUnsafeGuaranteedRef { $0.noteTaken(side, count) }
    }

    // MARK: While it is parked

    /// Takes the right to end the select; false when another arm has it.
    @inlinable
    final func claim() -> Bool {
        wait?._withUnsafeGuaranteedRef { $0.claim() } ?? false
    }

    /// Ends the select with this arm. Only for whoever has the claim.
    @inlinable
    final func resume(_ outcome: Outcome) {
        self.outcome = outcome
        wait?._withUnsafeGuaranteedRef { $0.resume(.arm(self)) }
    }
}

/// One alternative of a `select` whose result is an `Output`: an operation, and what to make of it once it was taken.
///
/// Made by `Channel.receiving`, `Channel.sending`, `after` and `otherwise`, for one select.
public class SelectArm<Output>: AnySelectArm, @unchecked Sendable {
    // Sendable: as its superclass.

    /// Does what the arm is for, after it was taken.
    @usableFromInline final let finish: (AnySelectArm) async throws -> Output

    @inlinable
    init(
        _ trigger: Trigger, of source: SelectSource? = nil, perform: @escaping (AnySelectArm, Step) -> Bool,
        finish: @escaping (AnySelectArm) async throws -> Output
    ) {
        self.finish = finish
        super.init(trigger, of: source, perform: perform)
    }

    /// The arm if `condition` holds, else one that is never taken, like the nil channel of Go.
    public func when(_ condition: Bool) -> SelectArm {
        isEnabled = isEnabled && condition
        return self
    }
}

/// A select arm that is taken when no other one could be for `duration`.
@inlinable
public func after<Output>(
    _ duration: Duration, _ action: @escaping () async throws -> Output
) -> SelectArm<Output> {
    SelectArm(.timeout(duration), perform: { _, _ in false }, finish: { _ in try await action() })
}

/// A select arm that is taken at once when no other one is ready, so that the select never waits.
@inlinable
public func otherwise<Output>(_ action: @escaping () async throws -> Output) -> SelectArm<Output> {
    SelectArm(.otherwise, perform: { _, _ in false }, finish: { _ in try await action() })
}
