/// A place where any number of tasks wait until another one lets all of them continue.
///
/// Unlike an `Event`, a bucket lets only those continue that wait at that moment. After JCSP's `Bucket`.
///
/// ```swift
/// let tick = Bucket(name: "tick")
/// reactor.spawn { while true { try await tick.wait(); step() } }
/// for try await _ in try Channel.every(.seconds(1)) { tick.flush() }
/// ```
public final class Bucket: Sendable {
    private let signal: Channel<Void>

    /// Creates an empty bucket.
    ///
    /// - Parameter name: shown in reports.
    public init(name: String = "") {
        signal = Channel(.once, name: name, role: .bucket)
    }

    /// The bucket's name in reports.
    public var name: String { signal.name }
    /// The number of tasks that wait, selects included.
    public var waitingCount: Int { signal.parkedCount }

    /// Waits until the next `flush`.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short.
    public func wait(timeout: Duration? = nil) async throws(SluiceError) {
        try await signal.receiveSignal(timeout: timeout)
    }

    /// Lets every task continue that waits now. Those that wait again before the others run wait for the next `flush`.
    /// May be called on any thread.
    ///
    /// - Returns: the number of tasks.
    @discardableResult
    public func flush() -> Int {
        let waiters: [ReceiveWaiter<Void>] = signal.withEngine { engine in
            guard case .published(let waiters) = engine.send(()) else { return [] }
            engine.unpublish()
            return waiters
        }
        for waiter in waiters { waiter.resume(.message(())) }
        return waiters.count
    }

    /// Creates a select arm that is taken at the next `flush`.
    public func waiting<Output>(_ action: @escaping () async throws -> Output) -> SelectArm<Output> {
        signal.receiving { _ in try await action() }
    }
}
