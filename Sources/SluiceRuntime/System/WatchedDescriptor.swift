import Glibc

/// A descriptor of another library, whose readiness tasks can wait for. After gevent's `wait_read` and `wait_write`.
///
/// So the reactor can drive a library in C that does its own reading and writing:
///
/// ```swift
/// let socket = try WatchedDescriptor(PQsocket(connection), name: "the database")
/// while PQisBusy(connection) == 1 {
///     try await socket.waitReadable()
///     PQconsumeInput(connection)
/// }
/// ```
///
/// The value watches a duplicate of the descriptor, so that the library may close its own at any time. Until the value is
/// closed or nothing refers to it any more, the kernel keeps a socket or a pipe open that the library has closed.
public final class WatchedDescriptor: @unchecked Sendable {
    // Sendable: the watch belongs to the reactor's thread, which each operation checks.

    /// The reactor whose tasks may wait.
    public let reactor: Reactor
    private let watch: DescriptorWatch

    /// Creates a watch, which the kernel learns of when a task waits. May be called on any thread.
    ///
    /// - Parameters:
    ///   - number: an open descriptor, which stays the caller's.
    ///   - name: what the descriptor is, in reports and errors.
    ///   - reactor: the reactor whose tasks wait; nil for that of the calling task.
    /// - Throws: `.misuse` off the reactors if `reactor` is nil; `.system` when the descriptor is not open.
    public init(_ number: Int32, name: String = "", on reactor: Reactor? = nil) throws(SluiceError) {
        let name = name.isEmpty ? "descriptor \(number)" : name
        self.reactor = try Reactor.given(reactor, for: name)
        let duplicate = fcntl(number, F_DUPFD_CLOEXEC, 3)
        guard duplicate >= 0 else { throw SluiceError(system: errno, "cannot watch \(name)") }
        watch = DescriptorWatch(Descriptor(owning: duplicate), on: self.reactor, as: .other(name))
    }

    deinit { watch.abandon() }

    /// Waits until a read would not block: bytes, the end of the input, or an error are there. One task may wait for
    /// that, while another one waits to write. A regular file is always ready.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.timedOut`, `.cancelled`; `.closed` after `close`; `.misuse` off the reactor's thread, or while another
    ///   task waits to read; `.system` when the kernel cannot watch such a descriptor.
    public func waitReadable(timeout: Duration? = nil) async throws(SluiceError) {
        try await watch.waitReadable(timeout: timeout)
    }

    /// Waits until a write would not block: the kernel has room, or an error is there.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: as `waitReadable`.
    public func waitWritable(timeout: Duration? = nil) async throws(SluiceError) {
        try await watch.waitWritable(timeout: timeout)
    }

    /// Stops watching. Tasks that wait throw `.closed`. May be called from any thread, any number of times.
    public func close() { watch.closeFromAnywhere() }
}
