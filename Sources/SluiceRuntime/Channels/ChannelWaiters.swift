/// How a parked send ended.
@usableFromInline
enum SendVerdict: WaitVerdict {
    case taken
    /// The channel has ended; it knows how.
    case ended
    case withdrawn(WithdrawalReason)
}

/// How a parked receive ended.
@usableFromInline
enum ReceiveVerdict<Element: Sendable>: WaitVerdict {
    case message(Element)
    /// The channel has ended; it knows how.
    case ended
    case withdrawn(WithdrawalReason)
}

/// Who waits to send on a channel.
@usableFromInline
enum SendWaiter: MatchWaiter {
    case task(UnsafeContinuation<SendVerdict, Never>)
    case arm(ParkedSendArm)

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
        case .arm(let arm): arm.resume(verdict)
        }
    }
}

/// Who waits to receive from a channel.
@usableFromInline
enum ReceiveWaiter<Element: Sendable>: MatchWaiter {
    case task(UnsafeContinuation<ReceiveVerdict<Element>, Never>)
    case arm(ParkedReceiveArm<Element>)

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
        case .arm(let arm): arm.resume(verdict)
        }
    }
}
