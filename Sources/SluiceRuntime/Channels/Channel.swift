public import Synchronization

/// A typed channel: where the send of one task and the receive of another meet.
///
/// By default it is a rendezvous: a send returns when a receiver has taken the message. Senders are served first come,
/// first served; so are receivers. Usable from any task, on a reactor or off.
public final class Channel<Element: Sendable>: SelectSource, @unchecked Sendable {
    // Sendable: the engine is behind a mutex, the name is constant.

    @usableFromInline typealias Engine = Matcher<Element, SendWaiter, ReceiveWaiter<Element>>

    /// What the channel is called in reports.
    public let name: String
    /// Guarded by `lock`, which makes checking exclusivity as well a waste of 5 ns an operation.
    @usableFromInline @exclusivity(unchecked) var engine: Engine

    /// - Parameters:
    ///   - kind: what the channel does with a message that nobody is waiting for.
    ///   - name: shown in reports.
    @inlinable
    public init(_ kind: ChannelKind = .rendezvous, name: String = "") {
        self.name = name
        engine = Engine(kind)
        super.init()
    }

    @inlinable
    func withEngine<Result>(_ body: (inout Engine) -> Result) -> Result {
        lock.withLock { _ in body(&engine) }
    }

    // MARK: Sending

    /// Sends `message`: returns when a receiver has taken it or, where the channel buffers, when it is kept.
    ///
    /// - Parameter timeout: how long to wait at most; nil waits for ever.
    /// - Throws: `.closed`, `.poisoned`; `.timedOut`, `.cancelled`: then nobody has received the message, and nobody will.
    @inlinable
    @inline(__always)
    public func send(_ message: Element, timeout: Duration? = nil) async throws(SluiceError) {
        let result = withEngine { $0.send(message) }
        switch result {
        case .handed, .published, .accepted, .dropped: deliver(message, result)
        case .ended: throw endingError
        case .blocked:
            let verdict: SendVerdict = await suspendTask(on: self, .send, timeout: timeout) { continuation in
                startSending(message, continuation)
            }
            switch verdict {
            case .taken: return
            case .ended: throw endingError
            case .withdrawn(let reason): throw reason.error
            }
        }
    }

    /// Sends `message` only if that needs no waiting.
    ///
    /// - Returns: whether a receiver took it or the channel keeps it.
    /// - Throws: `.closed`, `.poisoned`.
    @inlinable
    public func trySend(_ message: Element) throws(SluiceError) -> Bool {
        let result = withEngine { $0.send(message) }
        switch result {
        case .handed, .published, .accepted, .dropped:
            deliver(message, result)
            return true
        case .blocked: return false
        case .ended: throw endingError
        }
    }

    @inlinable
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

    /// Gives `message` to those to whom the engine has handed it. With the channel unlocked.
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

    /// Receives a message only if that needs no waiting; nil when there is none, or none any more.
    ///
    /// - Throws: `.poisoned`.
    @inlinable
    public func tryReceive() throws(SluiceError) -> Element? {
        switch withEngine({ $0.receive() }) {
        case .message(let message, let sender):
            sender?.resume(.taken)
            return message
        case .blocked: return nil
        case .ended: return try end()
        }
    }

    /// Receives the next message; nil when the channel is closed and everything sent before has been received.
    ///
    /// - Parameter timeout: how long to wait at most; nil waits for ever.
    /// - Throws: `.poisoned`; `.timedOut`, `.cancelled`: then no message was taken.
    @inlinable
    @inline(__always)
    public func receive(timeout: Duration? = nil) async throws(SluiceError) -> Element? {
        switch withEngine({ $0.receive() }) {
        case .message(let message, let sender):
            sender?.resume(.taken)
            return message
        case .ended: return try end()
        case .blocked:
            let verdict: ReceiveVerdict<Element> = await suspendTask(
                on: self, .receive, timeout: timeout, register: startReceiving)
            switch verdict {
            case .message(let message): return message
            case .ended: return try end()
            case .withdrawn(let reason): throw reason.error
            }
        }
    }

    @inlinable
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

    /// Takes no more messages: what is buffered or parked is still received, then every receive returns nil. Closing
    /// again does nothing.
    public func close(reason: String? = nil) {
        evict(withEngine { $0.close(reason: reason) })
    }

    /// Ends both sides at once: every parked or later operation throws `.poisoned` with `reason`, and what is buffered
    /// is gone.
    public func poison(reason: String? = nil) {
        evict(withEngine { $0.poison(reason: reason) })
    }

    /// Closes the channel because its last receiving end has gone.
    func refuseSenders() {
        evict(withEngine { $0.refuseSenders(reason: "its last receiver has gone") })
    }

    private func evict(_ evicted: Engine.Evicted) {
        for receiver in evicted.receivers { receiver.resume(.ended) }
        for sender in evicted.senders { sender.resume(.ended) }
    }

    /// How the channel has ended; nil while it takes messages.
    public var ending: ChannelEnding? { withEngine { $0.ending } }

    /// The number of messages that the channel holds for receivers to come.
    public var bufferedCount: Int { withEngine { $0.bufferedCount } }

    /// The number of senders and receivers that are parked, select arms included.
    public var parkedCount: Int { withEngine { $0.parkedSenders + $0.parkedReceivers } }

    /// What a sender is told once the channel has ended.
    @usableFromInline var endingError: SluiceError {
        switch withEngine({ $0.ending }) {
        case .poisoned(let reason): SluiceError(.poisoned, "\(waitDescription) was poisoned\(Self.clause(reason))")
        case .closed(let reason): SluiceError(.closed, "\(waitDescription) is closed\(Self.clause(reason))")
        case nil: SluiceError(.misuse, "\(waitDescription) has not ended")
        }
    }

    private static func clause(_ reason: String?) -> String { reason.map { ": \($0)" } ?? "" }

    /// What a receiver gets at the end: nil from a closed channel, an error from a poisoned one.
    @usableFromInline
    func end() throws(SluiceError) -> Element? {
        if case .closed = withEngine({ $0.ending }) { return nil }
        throw endingError
    }

    // MARK: Withdrawing

    package override func withdraw(_ ticket: WaitTicket, from side: WaitSide, because reason: WithdrawalReason) {
        if side == .send {
            withEngine { $0.withdrawSender(ticket) }?.resume(.withdrawn(reason))
        } else {
            withEngine { $0.withdrawReceiver(ticket) }?.resume(.withdrawn(reason))
        }
    }

    package override var waitDescription: String { name.isEmpty ? "an unnamed channel" : "channel '\(name)'" }
}
