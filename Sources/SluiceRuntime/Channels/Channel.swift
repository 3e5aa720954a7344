public import Synchronization

/// A typed channel, on which the send of one task meets the receive of another.
///
/// By default a channel is a rendezvous: a send returns when a receiver has taken the message. Waiting senders are
/// served in the order in which they came, and so are receivers. A channel may be used from any task, on a reactor or
/// not.
public final class Channel<Element: Sendable>: SelectSource, @unchecked Sendable {
    // Sendable: `engine` is guarded by `lock`, and `name` is constant.

    @usableFromInline typealias Engine = Matcher<Element, SendWaiter, ReceiveWaiter<Element>>

    /// The channel's name in reports.
    public let name: String
    /// Guarded by `lock`. Checking exclusivity as well would add 5 ns to each operation.
    @usableFromInline @exclusivity(unchecked) var engine: Engine

    /// Creates a channel.
    ///
    /// - Parameters:
    ///   - kind: what the channel does with a message for which no receiver waits.
    ///   - name: shown in reports and errors.
    @inlinable
    public init(_ kind: ChannelKind = .rendezvous, name: String = "") {
        self.name = name
        engine = Engine(kind)
        super.init(role: .channel)
    }

    /// Creates a channel on which the tasks wait that use a semaphore, an event, or the like.
    init(_ kind: ChannelKind, name: String, role: ChannelRole) {
        self.name = name
        engine = Engine(kind)
        super.init(role: role)
    }

    @inlinable
    func withEngine<Result>(_ body: (inout Engine) -> Result) -> Result {
        lock.withLock { _ in body(&engine) }
    }

    // MARK: Sending

    // `send` and `receive` are inlined into their callers, which saves a fifth of a transfer. They contain calls that
    // never suspend or throw, one suspension, and at the end one async call that throws. With another `throw`, or more
    // of a channel, in them, the compiler of Swift 6.3 crashed on some callers: LLVM merged the store of an error with
    // one to a `swifterror` slot, and could not split the coroutine afterwards. Everything else is therefore never
    // inlined. deploy/check-user-package.sh builds callers of many shapes.

    /// Sends `message`. Returns when a receiver has taken it or, if the channel buffers, when the channel keeps it.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Throws: `.closed` or `.poisoned` when the channel has ended; `.timedOut` or `.cancelled` when the wait was cut
    ///   short. After an error no receiver has the message, and none will get it.
    @inlinable
    @inline(__always)
    public func send(_ message: Element, timeout: Duration? = nil) async throws(SluiceError) {
        guard var obstacle = attemptSend(message, inTurn: true) else { return }
        if case .blocked = obstacle, timeout == nil, let task = TaskRecord.running {
            let verdict: SendVerdict = await _unsafeInheritExecutor_withUnsafeContinuation { continuation in
                suspendSending(task, message, continuation)
            }
            if task.resumes(alarm: nil) {
                if case .taken = verdict { return }
                obstacle = verdict.obstacle
            }
        }
        try await finishSending(message, obstacle, timeout: timeout)
    }

    /// Sends `message` if that needs no waiting.
    ///
    /// - Returns: whether a receiver took the message or the channel's kind disposed of it (kept or dropped it).
    /// - Throws: `.closed` or `.poisoned` when the channel has ended.
    @inlinable
    @inline(never)
    public func trySend(_ message: Element) throws(SluiceError) -> Bool {
        switch attemptSend(message, inTurn: false) {
        case nil: return true
        case .blocked, .turnIsOver: return false
        case .ended, .withdrawn: throw endingError
        }
    }

    /// Sends `message` if that needs no waiting; returns what prevents it otherwise.
    ///
    /// - Parameter isInTurn: whether the caller can let other tasks run first.
    @inlinable
    @inline(never)
    func attemptSend(_ message: Element, inTurn isInTurn: Bool) -> OperationObstacle? {
        if isInTurn, Reactor.endsTurn() { return .turnIsOver }
        let result = withEngine { $0.send(message) }
        switch result {
        case .handed, .published, .accepted, .dropped:
            deliver(message, result)
            return nil
        case .blocked: return .blocked
        case .ended: return .ended
        }
    }

    /// Waits if the send was blocked, and throws if it cannot happen.
    @inlinable
    @inline(never)
    nonisolated(nonsending) func finishSending(
        _ message: Element, _ obstacle: OperationObstacle, timeout: Duration?
    ) async throws(SluiceError) {
        var obstacle = obstacle
        if case .turnIsOver = obstacle {
            try await Reactor.giveWay()
            guard let found = attemptSend(message, inTurn: false) else { return }
            obstacle = found
        }
        if case .blocked = obstacle {
            let verdict: SendVerdict = await suspendTask(on: self, .send, timeout: timeout) { continuation in
                startSending(message, continuation)
            }
            if case .taken = verdict { return }
            obstacle = verdict.obstacle
        }
        if case .withdrawn(let reason) = obstacle { throw reason.error }
        throw endingError
    }

    @inlinable
    @inline(never)
    func suspendSending(
        _ task: TaskRecord, _ message: Element, _ continuation: UnsafeContinuation<SendVerdict, Never>
    ) {
        _ = task.suspend(continuation, on: self, .send, timeout: nil) { startSending(message, $0) }
    }

    @inlinable
    @inline(never)
    func startSending(_ message: Element, _ continuation: UnsafeContinuation<SendVerdict, Never>) -> WaitTicket? {
        var ticket: WaitTicket?
        let result = withEngine { engine in
            let result = engine.send(message)
            if case .blocked = result { ticket = engine.park(.task(continuation), message: message) }
            return result
        }
        switch result {
        case .blocked: break
        case .handed, .published, .accepted, .dropped:
            deliver(message, result)
            continuation.resume(returning: .taken)
        case .ended: continuation.resume(returning: .ended)
        }
        return ticket
    }

    /// Resumes the receivers to which the engine has handed `message`. Call with the channel unlocked.
    @inlinable
    @inline(__always)
    func deliver(_ message: Element, _ result: Engine.SendResult) {
        switch result {
        case .handed(let receiver): receiver.resume(.message(message))
        case .published(let receivers): for receiver in receivers { receiver.resume(.message(message)) }
        case .accepted, .dropped, .blocked, .ended: break
        }
    }

    // MARK: Receiving

    /// Receives a message if that needs no waiting.
    ///
    /// - Returns: the message; nil when there is none now, and when the channel is closed and empty.
    /// - Throws: `.poisoned`.
    @inlinable
    @inline(never)
    public func tryReceive() throws(SluiceError) -> Element? {
        switch attemptReceive(inTurn: false) {
        case .message(let message): return message
        case .obstacle(.blocked): return nil
        case .obstacle:
            if let poisonError { throw poisonError }
            return nil
        }
    }

    /// Receives the next message.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Returns: the message; nil when the channel is closed and every message sent before has been received.
    /// - Throws: `.poisoned`; `.timedOut` or `.cancelled` when the wait was cut short. After an error no message was
    ///   taken.
    @inlinable
    @inline(__always)
    public func receive(timeout: Duration? = nil) async throws(SluiceError) -> Element? {
        var obstacle: OperationObstacle
        switch attemptReceive(inTurn: true) {
        case .message(let message): return message
        case .obstacle(let found): obstacle = found
        }
        if case .blocked = obstacle, timeout == nil, let task = TaskRecord.running {
            let verdict: ReceiveVerdict<Element> = await _unsafeInheritExecutor_withUnsafeContinuation { continuation in
                suspendReceiving(task, continuation)
            }
            if task.resumes(alarm: nil) {
                if case .message(let message) = verdict { return message }
                obstacle = verdict.obstacle
            }
        }
        return try await finishReceiving(obstacle, timeout: timeout)
    }

    /// Receives a message if that needs no waiting; returns what prevents it otherwise.
    ///
    /// - Parameter isInTurn: whether the caller can let other tasks run first.
    @inlinable
    @inline(never)
    func attemptReceive(inTurn isInTurn: Bool) -> ReceiveAttempt<Element> {
        if isInTurn, Reactor.endsTurn() { return .obstacle(.turnIsOver) }
        switch withEngine({ $0.receive() }) {
        case .message(let message, let sender):
            sender?.resume(.taken)
            return .message(message)
        case .blocked: return .obstacle(.blocked)
        case .ended: return .obstacle(.ended)
        }
    }

    /// Waits if the receive was blocked. Throws, or returns nil, if it cannot happen.
    @inlinable
    @inline(never)
    nonisolated(nonsending) func finishReceiving(
        _ obstacle: OperationObstacle, timeout: Duration?
    ) async throws(SluiceError) -> Element? {
        var obstacle = obstacle
        if case .turnIsOver = obstacle {
            try await Reactor.giveWay()
            switch attemptReceive(inTurn: false) {
            case .message(let message): return message
            case .obstacle(let found): obstacle = found
            }
        }
        if case .blocked = obstacle {
            let verdict: ReceiveVerdict<Element> = await suspendTask(
                on: self, .receive, timeout: timeout, register: startReceiving)
            if case .message(let message) = verdict { return message }
            obstacle = verdict.obstacle
        }
        if case .withdrawn(let reason) = obstacle { throw reason.error }
        if let poisonError { throw poisonError }
        return nil
    }

    @inlinable
    @inline(never)
    func suspendReceiving(
        _ task: TaskRecord, _ continuation: UnsafeContinuation<ReceiveVerdict<Element>, Never>
    ) {
        _ = task.suspend(continuation, on: self, .receive, timeout: nil, register: startReceiving)
    }

    @inlinable
    @inline(never)
    func startReceiving(_ continuation: UnsafeContinuation<ReceiveVerdict<Element>, Never>) -> WaitTicket? {
        var ticket: WaitTicket?
        let result = withEngine { engine in
            let result = engine.receive()
            if case .blocked = result { ticket = engine.park(.task(continuation)) }
            return result
        }
        switch result {
        case .blocked: break
        case .ended: continuation.resume(returning: .ended)
        case .message(let message, let sender):
            sender?.resume(.taken)
            continuation.resume(returning: .message(message))
        }
        return ticket
    }

    // MARK: Ending

    /// Closes the channel for new messages. Messages that are buffered, or whose senders wait, are still received;
    /// after them, every receive returns nil. Closing again does nothing.
    ///
    /// - Parameter reason: shown in the errors of later sends.
    public func close(reason: String? = nil) {
        evict(withEngine { $0.close(reason: reason) })
    }

    /// Ends both sides of the channel. Every parked or later operation throws `.poisoned` with `reason`, and buffered
    /// messages are dropped.
    public func poison(reason: String? = nil) {
        evict(withEngine { $0.poison(reason: reason) })
    }

    /// Closes the channel because its last receiving end has retired.
    func refuseSenders() {
        evict(withEngine { $0.refuseSenders(reason: "its last receiver has gone") })
    }

    private func evict(_ evicted: Engine.Evicted) {
        for receiver in evicted.receivers { receiver.resume(.ended) }
        for sender in evicted.senders { sender.resume(.ended) }
    }

    /// How the channel has ended; nil while it takes messages. May be read on any thread.
    public var ending: ChannelEnding? { withEngine { $0.ending } }

    /// The number of buffered messages.
    public var bufferedCount: Int { withEngine { $0.bufferedCount } }

    /// The number of parked senders and receivers, select arms included.
    public var parkedCount: Int { withEngine { $0.parkedSenders + $0.parkedReceivers } }

    /// What a send on an ended channel throws.
    @usableFromInline var endingError: SluiceError {
        switch withEngine({ $0.ending }) {
        case .poisoned(let reason): SluiceError(.poisoned, "\(waitDescription) was poisoned\(Self.clause(reason))")
        case .closed(let reason): SluiceError(.closed, "\(waitDescription) is closed\(Self.clause(reason))")
        case nil: SluiceError(.misuse, "\(waitDescription) has not ended")
        }
    }

    private static func clause(_ reason: String?) -> String { reason.map { ": \($0)" } ?? "" }

    /// What a receive on an ended channel throws; nil on a closed one, where it returns nil.
    @usableFromInline var poisonError: SluiceError? {
        if case .closed = withEngine({ $0.ending }) { return nil }
        return endingError
    }

    // MARK: Withdrawing

    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        if side == .send {
            withEngine { $0.withdrawSender(ticket) }?.resume(.withdrawn(reason))
        } else {
            withEngine { $0.withdrawReceiver(ticket) }?.resume(.withdrawn(reason))
        }
    }

    package override var waitDescription: String { role.label(name) }

    package override func describeWait(_ side: WaitSide) -> String {
        role.verb.map { "\($0) \(waitDescription)" } ?? super.describeWait(side)
    }
}
