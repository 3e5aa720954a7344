/// A flag that tasks wait for.
///
/// Setting it wakes all tasks that wait, and further waits return at once until it is cleared. After gevent's `Event`.
///
/// ```swift
/// let ready = Event(name: "ready")
/// reactor.spawn { try await ready.wait() }
/// ready.set()
/// ```
public final class Event: Sendable {
    private let signal: Channel<Void>

    /// Creates an event.
    ///
    /// - Parameters:
    ///   - isSet: whether the event is set from the beginning.
    ///   - name: shown in reports.
    public convenience init(isSet: Bool = false, name: String = "") {
        self.init(isSet: isSet, name: name, role: .event)
    }

    init(isSet: Bool, name: String, role: ChannelRole) {
        signal = Channel(.once, name: name, role: role)
        if isSet { set() }
    }

    /// The event's name in reports.
    public var name: String { signal.name }
    /// Whether the event is set. May be read on any thread.
    public var isSet: Bool { signal.ending != nil }
    /// The number of tasks that wait, selects included.
    public var waitingCount: Int { signal.parkedCount }

    /// Sets the event and wakes every task that waits, even if the event is cleared before they run. May be called on
    /// any thread, any number of times.
    public func set() { signal.trySendSignal() }

    /// Clears the event, so that further waits wait for the next `set`. May be called on any thread.
    public func clear() {
        signal.withEngine { $0.unpublish() }
    }

    /// Waits until the event is set. Returns at once if it is.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short.
    public func wait(timeout: Duration? = nil) async throws(SluiceError) {
        try await signal.receiveSignal(timeout: timeout)
    }

    /// Creates a select arm that is taken when the event is set.
    public func waiting<Output>(_ action: @escaping () async throws -> Output) -> SelectArm<Output> {
        signal.receiving { _ in try await action() }
    }
}

extension Matcher {
    /// Takes back the message of a `.once` channel, so that the channel takes another one. Tickets stay valid: a new
    /// engine would give the same ones again, and a wait that has ended could withdraw another one.
    mutating func unpublish() {
        guard isOnce, ending != nil else { return }
        ending = nil
        _ = takeMessages()
    }
}
