/// What prevents an operation from happening without waiting, or at all.
@usableFromInline
enum OperationObstacle {
    /// The operation has to wait.
    case blocked
    /// The operation was not attempted, because other tasks must run first; see `Reactor.endsTurn`.
    case turnIsOver
    /// The channel has ended; see `Channel.ending`.
    case ended
    /// The operation has waited, and was withdrawn.
    case withdrawn(WithdrawalReason)
}

/// How an attempt to receive without waiting ended.
@usableFromInline
enum ReceiveAttempt<Element: Sendable> {
    case message(Element)
    case obstacle(OperationObstacle)
}

/// How a parked send ended.
@usableFromInline
enum SendVerdict: WaitVerdict {
    case taken
    /// The channel has ended; see `Channel.ending`.
    case ended
    case withdrawn(WithdrawalReason)

    /// What has prevented the send, after a verdict other than `.taken`.
    @inlinable var obstacle: OperationObstacle {
        switch self {
        case .taken, .ended: .ended
        case .withdrawn(let reason): .withdrawn(reason)
        }
    }

    /// The same for an arm of a select. A single arm is never withdrawn, only the whole select.
    @inlinable var outcome: AnySelectArm.Outcome {
        switch self {
        case .taken: .sent
        case .ended, .withdrawn: .ended
        }
    }
}

/// How a parked receive ended.
@usableFromInline
enum ReceiveVerdict<Element: Sendable>: WaitVerdict {
    case message(Element)
    /// The channel has ended; see `Channel.ending`.
    case ended
    case withdrawn(WithdrawalReason)

    /// What has prevented the receive, after a verdict other than `.message`.
    @inlinable var obstacle: OperationObstacle {
        switch self {
        case .message, .ended: .ended
        case .withdrawn(let reason): .withdrawn(reason)
        }
    }

    /// The same for an arm of a select. A single arm is never withdrawn, only the whole select.
    @inlinable var outcome: AnySelectArm.Outcome {
        switch self {
        case .message(let message): .received(Parcel.wrap(message))
        case .ended, .withdrawn: .ended
        }
    }
}

/// What is parked to send on a channel.
@usableFromInline
enum SendWaiter: MatchWaiter {
    case task(UnsafeContinuation<SendVerdict, Never>)
    case arm(AnySelectArm)

    @inlinable
    func claim() -> Bool {
        switch self {
        case .task: true
        case .arm(let arm): arm.claim()
        }
    }

    @inlinable
    func resume(_ verdict: SendVerdict) {
        switch self {
        case .task(let continuation): continuation.resume(returning: verdict)
        case .arm(let arm): arm.resume(verdict.outcome)
        }
    }
}

/// What is parked to receive from a channel.
@usableFromInline
enum ReceiveWaiter<Element: Sendable>: MatchWaiter {
    case task(UnsafeContinuation<ReceiveVerdict<Element>, Never>)
    case arm(AnySelectArm)

    @inlinable
    func claim() -> Bool {
        switch self {
        case .task: true
        case .arm(let arm): arm.claim()
        }
    }

    @inlinable
    func resume(_ verdict: ReceiveVerdict<Element>) {
        switch self {
        case .task(let continuation): continuation.resume(returning: verdict)
        case .arm(let arm): arm.resume(verdict.outcome)
        }
    }
}
