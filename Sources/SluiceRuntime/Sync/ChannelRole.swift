/// What a channel is to its users, in reports. Semaphores, events and the like wait on channels, so that they share the
/// matching, the fairness, the cancellation and the selects of channels.
@usableFromInline
enum ChannelRole: UInt8 {
    case channel
    case semaphore
    case mutex
    case event
    case condition
    case waitGroup
    case barrier
    case bucket
    case queue
    case fullQueue
    case pool
    case subprocess

    private var noun: String {
        switch self {
        case .channel: "channel"
        case .semaphore: "semaphore"
        case .mutex: "mutex"
        case .event: "event"
        case .condition: "condition"
        case .waitGroup: "wait group"
        case .barrier: "barrier"
        case .bucket: "bucket"
        case .queue: "queue"
        case .fullQueue: "full queue"
        case .pool: "task pool"
        case .subprocess: "subprocess"
        }
    }

    /// The channel in a report.
    func label(_ name: String) -> String {
        guard name.isEmpty else { return "\(noun) '\(name)'" }
        return self == .event ? "an unnamed event" : "an unnamed \(noun)"
    }

    /// What a waiting task does; nil for a channel, where that depends on the side.
    var verb: String? {
        switch self {
        case .channel: nil
        case .semaphore: "acquire a permit of"
        case .mutex: "lock"
        case .event, .condition, .waitGroup, .subprocess: "wait for"
        case .barrier: "wait at"
        case .bucket: "wait in"
        case .queue: "take from"
        case .fullQueue: "put into"
        case .pool: "start a task of"
        }
    }
}

/// Ends of waits that are not `.message`, as errors.
extension Channel where Element == Void {
    /// Waits for a message that stands for a permit or a signal.
    ///
    /// - Throws: `.timedOut`, `.cancelled`; `.closed` when the channel is closed.
    nonisolated(nonsending) func receiveSignal(timeout: Duration?) async throws(SluiceError) {
        guard try await receive(timeout: timeout) != nil else { throw endingError }
    }

    /// Takes a message without waiting; false if there is none.
    func tryReceiveSignal() -> Bool {
        guard case .message = attemptReceive(inTurn: false) else { return false }
        return true
    }

    /// Sends without waiting; false if nobody took the message and the channel does not keep it.
    @discardableResult
    func trySendSignal() -> Bool {
        attemptSend((), inTurn: false) == nil
    }

    /// Receives a message even in a cancelled task. For code that must restore what others rely on.
    nonisolated(nonsending) func receiveSignalRegardless() async {
        if tryReceiveSignal() { return }
        guard let task = TaskRecord.executing else {
            let _: ReceiveVerdict<Void> = await withUnsafeContinuation { _ = startReceiving($0) }
            return
        }
        while true {
            let scopes = task.shield()
            let verdict: ReceiveVerdict<Void> = await suspendTask(
                on: self, .receive, timeout: nil, register: startReceiving)
            task.unshield(scopes)
            guard case .withdrawn = verdict else { return }
        }
    }
}
