// The select arms of channels.

extension Channel {
    /// Creates a select arm that receives from this channel. `action` gets the message, or nil when the channel is
    /// closed.
    @inlinable
    public func receiving<Output>(_ action: @escaping (Element?) async throws -> Output) -> SelectArm<Output> {
        ReceiveArm(self, action)
    }

    /// Creates a select arm that sends `message` on this channel.
    @inlinable
    public func sending<Output>(
        _ message: Element, _ action: @escaping () async throws -> Output
    ) -> SelectArm<Output> {
        SendArm(self, message, action)
    }
}

/// An arm that receives the next message of a channel.
@usableFromInline
final class ReceiveArm<Element: Sendable, Output>: SelectArm<Output>, @unchecked Sendable {
    // Sendable: as its superclass.

    @usableFromInline let channel: Channel<Element>
    @usableFromInline let action: (Element?) async throws -> Output

    @inlinable
    init(_ channel: Channel<Element>, _ action: @escaping (Element?) async throws -> Output) {
        self.channel = channel
        self.action = action
        super.init(
            .channel(.receive), of: channel,
            perform: { arm, step in unsafeDowncast(arm, to: ReceiveArm<Element, Output>.self).perform(step) },
            finish: { arm in try await unsafeDowncast(arm, to: ReceiveArm<Element, Output>.self).finish() })
    }

    @inlinable
    func perform(_ step: Step) -> Bool {
        switch step {
        case .attempt:
            let result = channel.withEngine { $0.receive() }
            guard note(result) else { return false }
            Self.resumeSender(of: result)
            return true
        case .attemptLocked:
            let result = channel.engine.receive()
            guard note(result) else { return false }
            afterUnlocking = { Self.resumeSender(of: result) }
            return true
        case .parkLocked:
            ticket = channel.engine.park(.arm(self))
        case .unpark:
            channel.withEngine { _ = $0.withdrawReceiver(ticket) }
        }
        return false
    }

    @inlinable
    func note(_ result: Channel<Element>.Engine.ReceiveResult) -> Bool {
        switch result {
        case .message(let message, _): outcome = .received(Parcel.wrap(message))
        case .ended: outcome = .ended
        case .blocked: return false
        }
        return true
    }

    @inlinable
    static func resumeSender(of result: Channel<Element>.Engine.ReceiveResult) {
        if case .message(_, let sender?) = result { sender.resume(.taken) }
    }

    @inlinable
    nonisolated(nonsending) func finish() async throws -> Output {
        switch outcome {
        case .received(let parcel): return try await action(Parcel.open(parcel, as: Element.self))
        case .ended:
            if let error = channel.poisonError { throw error }
            return try await action(nil)
        case .sent, .none: throw SluiceError(.misuse, "this arm was not taken")
        }
    }
}

/// An arm that sends a message on a channel.
@usableFromInline
final class SendArm<Element: Sendable, Output>: SelectArm<Output>, @unchecked Sendable {
    // Sendable: as its superclass.

    @usableFromInline let channel: Channel<Element>
    @usableFromInline let action: () async throws -> Output
    @usableFromInline let message: Element

    @inlinable
    init(_ channel: Channel<Element>, _ message: Element, _ action: @escaping () async throws -> Output) {
        self.channel = channel
        self.action = action
        self.message = message
        super.init(
            .channel(.send), of: channel,
            perform: { arm, step in unsafeDowncast(arm, to: SendArm<Element, Output>.self).perform(step) },
            finish: { arm in try await unsafeDowncast(arm, to: SendArm<Element, Output>.self).finish() })
    }

    @inlinable
    func perform(_ step: Step) -> Bool {
        switch step {
        case .attempt:
            let result = channel.withEngine { $0.send(message) }
            guard note(result) else { return false }
            channel.deliver(message, result)
            return true
        case .attemptLocked:
            let result = channel.engine.send(message)
            guard note(result) else { return false }
            afterUnlocking = { [channel, message] in channel.deliver(message, result) }
            return true
        case .parkLocked:
            ticket = channel.engine.park(.arm(self), message: message)
        case .unpark:
            channel.withEngine { _ = $0.withdrawSender(ticket) }
        }
        return false
    }

    @inlinable
    func note(_ result: Channel<Element>.Engine.SendResult) -> Bool {
        switch result {
        case .handed, .published, .accepted, .dropped: outcome = .sent
        case .ended: outcome = .ended
        case .blocked: return false
        }
        return true
    }

    @inlinable
    nonisolated(nonsending) func finish() async throws -> Output {
        switch outcome {
        case .sent: try await action()
        case .ended: throw channel.endingError
        case .received, .none: throw SluiceError(.misuse, "this arm was not taken")
        }
    }
}
