public import SluiceRuntime
package import SluiceWire
import Synchronization

/// Sends messages on a channel in order, many at a time; see ``RemoteChannel/pipeline(timeout:window:)``.
///
/// Several tasks may use a pipeline. Messages arrive in the order in which `send` was called.
public final class SendPipeline: Sendable {
    private struct State {
        var inFlight = 0
        var inFlightBytes = 0
        var failure: SluiceError?
        var waiters: [UnsafeContinuation<Void, Never>] = []
    }

    /// The most bytes that may be in flight, unless a single message is longer.
    private static let windowBytes = 4 << 20

    private let client: Client
    private let template: SendCommand
    private let window: Int
    private let state = Lock(State())
    /// Set before the pending sends are cancelled. A send that is submitted at the same time reads it afterwards, so
    /// that one of the two cancels the send.
    private let isWithdrawn = Atomic(false)

    /// - Parameter template: the command that is sent with each message.
    package init(_ template: SendCommand, window: Int, of client: Client) {
        self.client = client
        self.template = template
        // Half of what the server lets wait: receives and other sends of the client have their share.
        let most = (client.greeting?.maxPendingOperations).map { max(1, $0 / 2) } ?? window
        self.window = max(1, min(window, most))
    }

    // MARK: Sending

    /// Sends a message as soon as the window permits it, and returns without waiting for its outcome.
    ///
    /// - Parameters:
    ///   - bytes: the message.
    ///   - id: makes the message safe to repeat, as in `RemoteChannel.send(_:timeout:id:delay:trace:)`.
    /// - Throws: the error of the first message that failed, and then this one is not sent; `.cancelled` when the task
    ///   was cancelled before the window permitted it, and after ``withdraw()``; `.misuse` when `id` is not valid.
    public func send(_ bytes: [UInt8], id: String? = nil) async throws(SluiceError) {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        try await send(bytes, id: id) { _ in }
    }

    /// Sends the bytes of a text; see `send(_:id:)` for bytes.
    public func send(_ text: String, id: String? = nil) async throws(SluiceError) {
        try await send(Array(text.utf8), id: id)
    }

    /// Sends a message as soon as the window permits it, also after others have failed.
    ///
    /// - Parameters:
    ///   - bytes: the message.
    ///   - id: makes the message safe to repeat, as in `RemoteChannel.send(_:timeout:id:delay:trace:)`.
    ///   - onOutcome: called once, on the client's thread, with what `RemoteChannel.send(_:timeout:id:delay:trace:)` returns or
    ///     throws. It must not block.
    /// - Throws: `.cancelled` when the task was cancelled before the window permitted it, and after ``withdraw()``: nothing was
    ///   sent, and `onOutcome` is not called; `.misuse` when `id` is not valid.
    public func send(
        _ bytes: [UInt8], id: String? = nil,
        onOutcome: @escaping @Sendable (Result<SendReceipt, SluiceError>) -> Void
    ) async throws(SluiceError) {
        let isSent = await submit(bytes, identity: try id.map(SendIdentity.init(checking:))) { outcome in
            onOutcome(outcome.receipt)
        }
        guard isSent else { throw .operationCancelled }
    }

    /// Submits a message as soon as the window permits it.
    ///
    /// - Returns: false when nothing was sent, because the task was cancelled or the pipeline withdrawn.
    package func submit(
        _ body: Body, identity: SendIdentity? = nil, onOutcome: @escaping @Sendable (OperationOutcome) -> Void
    ) async -> Bool {
        var isReserved = reserve(body.count)
        if isReserved == nil { isReserved = await waitForWindow(body.count) }
        guard isReserved == true else { return false }
        var command = template
        command.body = .owned(body)
        if let identity { command.identity = identity }
        let operation = Operation(.send(command))
        operation.listener = .pipeline(self, onOutcome: onOutcome)
        client.link.submit(operation)
        if isWithdrawn.load(ordering: .sequentiallyConsistent) { client.link.cancel(operation) }
        return true
    }

    /// Reserves a part of the window; false when the pipeline was withdrawn, nil when the window does not permit it.
    private func reserve(_ bytes: Int) -> Bool? {
        state.withLock { state in
            if isWithdrawn.load(ordering: .relaxed) { return false }
            guard fitsWindow(bytes, state) else { return nil }
            state.inFlight += 1
            state.inFlightBytes += bytes
            return true
        }
    }

    /// Waits until the message fits into the window, and reserves space for it there; false when the task was cancelled
    /// or the pipeline withdrawn first.
    private func waitForWindow(_ bytes: Int) async -> Bool {
        while !Task.isCancelled {
            if let isReserved = reserve(bytes) { return isReserved }
            await withTaskCancellationHandler {
                await waitForChange {
                    !fitsWindow(bytes, $0) && !isWithdrawn.load(ordering: .relaxed) && !Task.isCancelled
                }
            } onCancel: {
                wakeAll()
            }
        }
        return false
    }

    private func fitsWindow(_ bytes: Int, _ state: State) -> Bool {
        state.inFlight == 0 || (state.inFlight < window && state.inFlightBytes + bytes <= Self.windowBytes)
    }

    /// Takes note of the outcome of a message, after its listener.
    func settle(_ outcome: OperationOutcome, bytes: Int) {
        let error = outcome.sendError
        let waiters = state.withLock { state in
            state.inFlight -= 1
            state.inFlightBytes -= bytes
            if let error, state.failure == nil { state.failure = error }
            guard !state.waiters.isEmpty else { return [UnsafeContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until a message has its outcome, or another reason to look again, if `mustWait` still holds.
    private func waitForChange(while mustWait: @Sendable (State) -> Bool) async {
        await withUnsafeContinuation { continuation in
            let waits = state.withLock { state in
                guard mustWait(state) else { return false }
                state.waiters.append(continuation)
                return true
            }
            if !waits { continuation.resume() }
        }
    }

    private func wakeAll() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Ending

    /// Waits until every message has its outcome. Cancelling the task withdraws those that no receiver has taken.
    ///
    /// - Throws: the error of the first message that failed.
    public func finish() async throws(SluiceError) {
        await withTaskCancellationHandler {
            await settled()
        } onCancel: {
            withdraw()
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    /// Waits until every message has its outcome, also in a task that is cancelled.
    package func settled() async {
        while state.withLock({ $0.inFlight > 0 }) { await waitForChange { $0.inFlight > 0 } }
    }

    /// Withdraws every message that no receiver has taken yet, and sends no more. Each message still gets its outcome:
    /// `.cancelled` proves that it was not received.
    public func withdraw() {
        guard !isWithdrawn.exchange(true, ordering: .sequentiallyConsistent) else { return }
        client.link.cancelAll(of: self)
        wakeAll()
    }
}

extension RemoteChannel {
    /// Returns a pipeline: it sends messages in order without waiting for the outcome of one before it sends the next.
    ///
    /// ```swift
    /// let pipeline = jobs.pipeline()
    /// for line in lines { try await pipeline.send(line) }
    /// try await pipeline.finish()
    /// ```
    ///
    /// - Parameters:
    ///   - timeout: how long each message may wait for a receiver; nil waits for ever.
    ///   - window: the most messages that may wait for their outcome; at most half of the server's limit of pending
    ///     operations. Together they have at most 4 MiB, unless a single message is longer.
    public func pipeline(timeout: Duration? = nil, window: Int = 256) -> SendPipeline {
        SendPipeline(SendCommand(channel: channelName, body: [], timeout: timeout), window: window, of: client)
    }
}

extension OperationOutcome {
    /// Why a send failed; nil when it succeeded.
    fileprivate var sendError: SluiceError? {
        switch self {
        case .reply(.ok, _): nil
        case .reply(let reply, _): reply.error()
        case .failed(let error): error
        }
    }

    fileprivate var receipt: Result<SendReceipt, SluiceError> {
        switch self {
        case .reply(.ok(let attributes), _): .success(SendReceipt(attributes))
        case .reply(let reply, _): .failure(reply.error())
        case .failed(let error): .failure(error)
        }
    }
}
