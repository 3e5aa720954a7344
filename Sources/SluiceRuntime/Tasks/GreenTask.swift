/// A Swift task that runs on a reactor. It can be joined with a timeout, and reports show what it waits on.
public final class GreenTask<Success: Sendable>: TaskRecord, @unchecked Sendable {
    // Sendable: as its superclass; `body` belongs to the reactor's thread once the task is spawned.

    /// What the task does; nil once it has begun.
    @usableFromInline @exclusivity(unchecked) var body: (@Sendable () async throws -> Success)?

    @inlinable
    init(name: String, reactor: Reactor, body: @escaping @Sendable () async throws -> Success) {
        self.body = body
        super.init(name: name, reactor: reactor)
    }

    deinit {
        guard let joinWord else { return }
        switch joinStage {
        case .succeeded: _ = Parcel.open(joinWord, as: Success.self)
        case .failed: reportFailure(Parcel.open(joinWord, as: (any Error).self))
        case .alone, .awaited, .awaitedBySeveral: break
        }
    }

    /// The task's result or error; nil until it has ended. May be read on any thread.
    @inlinable public var outcome: Result<Success, any Error>? {
        guard hasEnded, let joinWord else { return nil }
        if joinStage == .succeeded { return .success(Parcel.look(into: joinWord, as: Success.self)) }
        noteFailureSeen()
        return .failure(Parcel.look(into: joinWord, as: (any Error).self))
    }

    /// The task's result, once it has ended. Throws what `join` throws.
    @inlinable
    public var value: Success {
        @inline(__always) get async throws { try await join() }
    }

    /// Waits until the task has ended. A wait that is cut short does not cancel the task.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Returns: the task's result.
    /// - Throws: what the task threw; `.timedOut` or `.cancelled` when the wait was cut short.
    @inlinable
    @inline(__always)
    public func join(timeout: Duration? = nil) async throws -> Success {
        // `endedOutcome` is never inlined, for the reason given in `Channel`.
        try await waitUntilEnded(timeout: timeout)
        return try endedOutcome.get()
    }

    @inlinable var endedOutcome: Result<Success, any Error> {
        @inline(never) get {
            outcome ?? .failure(SluiceError(.misuse, "\(waitDescription) has ended without a result"))
        }
    }

    @usableFromInline
    override nonisolated(nonsending) func live() async {
        // `take` would look up the closure's type each time, which takes 450 instructions.
        guard let body else { return }
        self.body = nil
        begin()
        do {
            end(.succeeded, Parcel.wrap(try await body()))
        } catch {
            // Without the cast, the compiler would open the existential and wrap the error inside.
            end(.failed, Parcel.wrap(error as any Error))
        }
    }
}

extension Reactor {
    /// Starts a green task. It begins after everything that is ready now has run. May be called from any thread.
    ///
    /// An error that the task throws is reported if nobody joins the task: see `handleFailures`.
    ///
    /// As with `Task.init`, the new task inherits the task-local values of the calling task. It costs 400 ns more to
    /// start while there are any.
    ///
    /// - Parameter name: shown in reports and logs.
    /// - Returns: the task, for `join`, `value` and `cancel`. It runs even if nothing refers to it.
    @inlinable
    @discardableResult
    public func spawn<Success: Sendable>(
        _ name: String = "", _ body: @escaping @Sendable () async throws -> Success
    ) -> GreenTask<Success> {
        let task = GreenTask<Success>(name: name, reactor: self, body: body)
        enter(task)
        return task
    }
}
