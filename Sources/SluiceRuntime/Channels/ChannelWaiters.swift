/// How a parked send ended.
@usableFromInline
enum SendVerdict: WaitVerdict {
    case taken
    /// The channel has ended; it knows how.
    case ended
    case withdrawn(WithdrawalReason)

    /// The verdict for an arm of a select; the select itself is what is withdrawn, never a single arm.
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
    /// The channel has ended; it knows how.
    case ended
    case withdrawn(WithdrawalReason)

    /// The verdict for an arm of a select; the select itself is what is withdrawn, never a single arm.
    @inlinable var outcome: AnySelectArm.Outcome {
        switch self {
        case .message(let message): .received(Parcel.wrap(message))
        case .ended, .withdrawn: .ended
        }
    }
}

/// Who waits to send on a channel.
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

/// Who waits to receive from a channel.
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
