import Synchronization

/// A count of things that have not ended, and a place to wait until all have. After Go's `sync.WaitGroup`.
///
/// ```swift
/// let group = WaitGroup(name: "uploads")
/// group.add(files.count)
/// for file in files {
///     reactor.spawn { defer { group.done() }; try await upload(file) }
/// }
/// try await group.wait()
/// ```
///
/// For green tasks, `withNursery` does the same and passes on their errors.
public final class WaitGroup: Sendable {
    private let pending = Lock(0)
    private let isDone: Event

    /// Creates a group that counts 0.
    ///
    /// - Parameter name: shown in reports.
    public init(name: String = "") {
        isDone = Event(isSet: true, name: name, role: .waitGroup)
    }

    /// The group's name in reports.
    public var name: String { isDone.name }
    /// The number of things that have not ended.
    public var count: Int { pending.withLock { $0 } }

    /// Adds to the count, which must not become negative. May be called on any thread. Call it before what is counted
    /// begins, so that `wait` cannot miss it.
    public func add(_ count: Int = 1) {
        pending.withLock { pending in
            pending += count
            precondition(pending >= 0, "done was called more often than add for the wait group '\(name)'")
            if pending == 0 { isDone.set() } else { isDone.clear() }
        }
    }

    /// Subtracts 1 from the count. When it is 0, every task that waits continues. May be called on any thread.
    public func done() { add(-1) }

    /// Waits until the count is 0.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short.
    public func wait(timeout: Duration? = nil) async throws(SluiceError) {
        try await isDone.wait(timeout: timeout)
    }

    /// Creates a select arm that is taken when the count is 0.
    public func waiting<Output>(_ action: @escaping () async throws -> Output) -> SelectArm<Output> {
        isDone.waiting(action)
    }
}
