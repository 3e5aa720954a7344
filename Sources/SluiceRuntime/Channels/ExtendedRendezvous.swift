extension Channel {
    /// Receives the next message, and lets its sender continue when `body` has returned: an extended rendezvous, as
    /// occam's `??`, JCSP's `startRead` and `endRead`.
    ///
    /// ```swift
    /// try await orders.receiveExtended { order in try await ledger.write(order) }
    /// ```
    ///
    /// The sender waits for the end of `body` even if it is cancelled or its time runs out meanwhile, because its message
    /// was taken. It also continues if `body` throws. With a channel that buffers, senders do not wait for `body`.
    ///
    /// Sends that do not wait (`trySend`, and a select with `otherwise`) do not meet an extended receive. If other tasks
    /// receive from the channel too, they are served first.
    ///
    /// - Parameters:
    ///   - timeout: the longest time to wait for a message; nil waits without a limit.
    ///   - body: gets the message.
    /// - Returns: what `body` returns; nil when the channel is closed and every message sent before has been received.
    /// - Throws: what `receive` throws; what `body` throws.
    public func receiveExtended<Output>(
        timeout: Duration? = nil, _ body: (Element) async throws -> Output
    ) async throws -> Output? {
        guard let (message, sender) = try await receiveHoldingSender(timeout: timeout) else { return nil }
        defer { sender?.resume(.taken) }
        return try await body(message)
    }

    /// Receives the next message. Returns the sender too if it still waits; the caller must resume it.
    private func receiveHoldingSender(
        timeout: Duration?
    ) async throws(SluiceError) -> (message: Element, sender: SendWaiter?)? {
        if Reactor.endsTurn() { try await Reactor.giveWay() }
        let deadline = timeout.map { Self.nowNanoseconds &+ $0.wholeNanoseconds }
        while true {
            switch withEngine({ $0.receive() }) {
            case .message(let message, let sender):
                // The message of a sender that waited for room is in the buffer now.
                if isRendezvous { return (message, sender) }
                sender?.resume(.taken)
                return (message, nil)
            case .ended:
                if let poisonError { throw poisonError }
                return nil
            case .blocked:
                try await waitForSender(
                    timeout: deadline.map { .nanoseconds(Int64(clamping: $0) - Int64(clamping: Self.nowNanoseconds)) })
            }
        }
    }

    /// The current time of the clock that measures timeouts of the calling task.
    private static var nowNanoseconds: UInt64 {
        Reactor.current?.nowNanoseconds ?? SystemReactorClock().nowNanoseconds
    }

    private var isRendezvous: Bool { withEngine { if case .rendezvous = $0.kind { true } else { false } } }

    /// Waits until there may be something to receive.
    ///
    /// The task is queued as a receiver that no sender can claim: a sender that finds it wakes the task, and parks because
    /// it meets nobody.
    private func waitForSender(timeout: Duration?) async throws(SluiceError) {
        let arm = ReceiveArm<Element, Void>(self) { _ in }
        let scout = SelectWait(among: ArmList(arm), scouting: true)
        arm.wait = .passUnretained(scout)
        let verdict: SelectVerdict = await suspendTask(on: scout, .receive, timeout: timeout) { continuation in
            scout.suspend(continuation)
            let isParked = withEngine { engine in
                guard engine.hasNothing else { return false }
                arm.ticket = engine.park(.arm(arm))
                return true
            }
            guard !isParked else { return .ofNoQueue }
            continuation.resume(returning: .arm(arm))
            return nil
        }
        _ = arm.perform(.unpark)
        withExtendedLifetime(scout) {}
        if case .withdrawn(let reason) = verdict { throw reason.error }
    }
}

extension Matcher {
    /// Whether the channel has no message, no parked sender and no end. A parked sender counts even if its select has
    /// already taken another arm.
    fileprivate var hasNothing: Bool { buffer.isEmpty && senders.isEmpty && ending == nil }
}
