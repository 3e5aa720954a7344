import Synchronization

/// One alternative of a `select`: an operation, and what to make of it once it was taken.
///
/// Made by `Channel.receiving`, `Channel.sending`, `after` and `otherwise`.
public class SelectArm<Output> {
    /// Whether the select looks at the arm at all.
    var isEnabled = true

    @usableFromInline init() {}

    /// The arm if `condition` holds, else one that is never taken, like the nil channel of Go.
    public func when(_ condition: Bool) -> SelectArm {
        isEnabled = isEnabled && condition
        return self
    }

    /// The source whose lock the arm needs; nil for an arm without a channel.
    @usableFromInline var source: SelectSource? { nil }
    /// How long a select with this arm waits at most.
    @usableFromInline var timeout: Duration? { nil }
    /// Whether the arm is taken when no other one is ready.
    @usableFromInline var isOtherwise: Bool { false }
    /// The arm in a report.
    @usableFromInline var description: String { "" }
    /// When a fair select last took the arm's side of its channel, as `SelectOrder` counts; 0 for never.
    @usableFromInline var lastTaken: UInt64 { 0 }
    /// Notes that a fair select took the arm as its `count`th.
    @usableFromInline
    func noteTaken(_ count: UInt64) {}

    /// Takes the arm if that needs no waiting.
    @usableFromInline
    func attempt() -> Bool { false }

    /// As `attempt`, with the source locked. What is to be done for the counterpart waits until `finish`.
    @usableFromInline
    func attemptLocked() -> Bool { false }

    /// Queues the arm, with the source locked.
    @usableFromInline
    func parkLocked(_ select: SelectWait, index: Int) {}

    /// Takes the arm out of its queue, where it still stands there.
    @usableFromInline
    func unpark() {}

    /// Does what the arm is for, after it was taken.
    @usableFromInline
    nonisolated(nonsending) func finish() async throws -> Output {
        throw SluiceError(.misuse, "an arm that cannot be taken")
    }
}

/// A channel as a select sees it, whatever its messages are.
public class SelectSource: WaitSource {
    // When a fair select last took a receive, and a send; 0 for never. See `SelectOrder.fair`.
    let lastReceiveTaken = Atomic<UInt64>(0)
    let lastSendTaken = Atomic<UInt64>(0)

    @usableFromInline
    override init() {}

    /// Runs `body` with the channel locked.
    @usableFromInline
    func withLocked(_ body: () -> Void) {}
}

/// An arm that takes the next message of a channel.
@usableFromInline
final class ReceiveArm<Element: Sendable, Output>: SelectArm<Output> {
    @usableFromInline let channel: Channel<Element>
    @usableFromInline let action: (Element?) async throws -> Output
    private var verdict: ReceiveVerdict<Element>?
    /// The sender to be told, once the channel is unlocked, that its message was taken.
    private var sender: SendWaiter?
    private var parked: (arm: ParkedReceiveArm<Element>, ticket: WaitTicket)?

    @inlinable
    init(_ channel: Channel<Element>, _ action: @escaping (Element?) async throws -> Output) {
        self.channel = channel
        self.action = action
        super.init()
    }

    override var source: SelectSource? { channel }
    override var description: String { "receive from \(channel.waitDescription)" }
    override var lastTaken: UInt64 { channel.lastReceiveTaken.load(ordering: .relaxed) }
    override func noteTaken(_ count: UInt64) { channel.lastReceiveTaken.store(count, ordering: .relaxed) }

    override func attempt() -> Bool {
        take(channel.withEngine { $0.receive() })
    }

    override func attemptLocked() -> Bool {
        take(channel.engine.receive())
    }

    private func take(_ result: Channel<Element>.Engine.ReceiveResult) -> Bool {
        switch result {
        case .message(let message, let sender):
            verdict = .message(message)
            self.sender = sender
        case .ended: verdict = .ended
        case .blocked: return false
        }
        return true
    }

    override func parkLocked(_ select: SelectWait, index: Int) {
        let arm = ParkedReceiveArm<Element>(of: select, index: index)
        parked = (arm, channel.engine.park(.arm(arm)))
    }

    override func unpark() {
        guard let parked else { return }
        channel.withEngine { _ = $0.withdrawReceiver(parked.ticket) }
    }

    override nonisolated(nonsending) func finish() async throws -> Output {
        sender?.resume(.taken)
        switch verdict ?? parked?.arm.verdict {
        case .message(let message): return try await action(message)
        case .ended: return try await action(try channel.end())
        case .withdrawn(let reason): throw reason.error
        case nil: throw SluiceError(.misuse, "an arm that was not taken")
        }
    }
}

/// An arm that gives a message to a channel.
@usableFromInline
final class SendArm<Element: Sendable, Output>: SelectArm<Output> {
    @usableFromInline let channel: Channel<Element>
    @usableFromInline let message: Element
    @usableFromInline let action: () async throws -> Output
    private var verdict: SendVerdict?
    /// The receivers to be given the message once the channel is unlocked.
    private var receivers: [ReceiveWaiter<Element>] = []
    private var parked: (arm: ParkedSendArm, ticket: WaitTicket)?

    @inlinable
    init(_ channel: Channel<Element>, _ message: Element, _ action: @escaping () async throws -> Output) {
        self.channel = channel
        self.message = message
        self.action = action
        super.init()
    }

    override var source: SelectSource? { channel }
    override var description: String { "send on \(channel.waitDescription)" }
    override var lastTaken: UInt64 { channel.lastSendTaken.load(ordering: .relaxed) }
    override func noteTaken(_ count: UInt64) { channel.lastSendTaken.store(count, ordering: .relaxed) }

    override func attempt() -> Bool {
        take(channel.withEngine { $0.send(message) })
    }

    override func attemptLocked() -> Bool {
        take(channel.engine.send(message))
    }

    private func take(_ result: Channel<Element>.Engine.SendResult) -> Bool {
        switch result {
        case .handed(let receiver): receivers = [receiver]
        case .published(let all): receivers = all
        case .accepted: break
        case .blocked: return false
        case .ended:
            verdict = .ended
            return true
        }
        verdict = .taken
        return true
    }

    override func parkLocked(_ select: SelectWait, index: Int) {
        let arm = ParkedSendArm(of: select, index: index)
        parked = (arm, channel.engine.park(.arm(arm), message: message))
    }

    override func unpark() {
        guard let parked else { return }
        channel.withEngine { _ = $0.withdrawSender(parked.ticket) }
    }

    override nonisolated(nonsending) func finish() async throws -> Output {
        for receiver in receivers { receiver.resume(.message(message)) }
        switch verdict ?? parked?.arm.verdict {
        case .taken: return try await action()
        case .ended: throw channel.endingError
        case .withdrawn(let reason): throw reason.error
        case nil: throw SluiceError(.misuse, "an arm that was not taken")
        }
    }
}

/// An arm that is taken after a time, or at once when no other one is ready.
@usableFromInline
final class FallbackArm<Output>: SelectArm<Output> {
    private let delay: Duration?
    private let action: () async throws -> Output

    /// - Parameter delay: how long the select waits before it takes the arm; nil does not wait.
    @usableFromInline
    init(after delay: Duration?, _ action: @escaping () async throws -> Output) {
        self.delay = delay
        self.action = action
        super.init()
    }

    override var timeout: Duration? { delay }
    override var isOtherwise: Bool { delay == nil }
    override nonisolated(nonsending) func finish() async throws -> Output { try await action() }
}
