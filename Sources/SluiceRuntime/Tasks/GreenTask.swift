/// A green task: a Swift task that lives on a reactor, can be joined with a deadline, and shows in reports what it
/// waits on.
public final class GreenTask<Success: Sendable>: TaskRecord, @unchecked Sendable {
    // Sendable: as its superclass; `body` belongs to the reactor's thread once the task was spawned.

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
        case .failed: _ = Parcel.open(joinWord, as: (any Error).self)
        case .alone, .awaited, .awaitedBySeveral: break
        }
    }

    /// How the task ended; nil while it has not.
    @inlinable public var outcome: Result<Success, any Error>? {
        guard hasEnded, let joinWord else { return nil }
        return joinStage == .succeeded
            ? .success(Parcel.look(into: joinWord, as: Success.self))
            : .failure(Parcel.look(into: joinWord, as: (any Error).self))
    }

    /// Waits until the task has ended, and returns its result or throws its error.
    @inlinable
    public var value: Success {
        @inline(__always) get async throws { try await join() }
    }

    /// Waits until the task has ended, at most for `timeout`. Giving up does not cancel the task.
    ///
    /// - Throws: what the task threw; or `SluiceError` with code `.timedOut` or `.cancelled` when the wait was cut short.
    @inlinable
    @inline(__always)
    public func join(timeout: Duration? = nil) async throws -> Success {
        try await waitUntilEnded(timeout: timeout)
        guard let outcome else { throw SluiceError(.misuse, "\(waitDescription) has ended without a result") }
        return try outcome.get()
    }

    @usableFromInline
    override nonisolated(nonsending) func live() async {
        // Not by `take`, which looks up the closure's type each time: 450 instructions.
        guard let body else { return }
        self.body = nil
        begin()
        do {
            end(.succeeded, Parcel.wrap(try await body()))
        } catch {
            // The cast keeps the compiler from wrapping what is in the existential, which it would open.
            end(.failed, Parcel.wrap(error as any Error))
        }
    }
}

extension Reactor {
    /// Starts a green task: it begins when those have run that are ready now. May be called from any thread.
    ///
    /// As with `Task.init`, the new task inherits the task-local values of the calling task. It costs 400 ns more to
    /// start while there are any.
    ///
    /// - Parameter name: shown in reports and logs.
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
