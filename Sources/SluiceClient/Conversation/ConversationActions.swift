import SluiceRuntime

/// What the caller of a conversation does after it has released the lock.
struct ConversationActions {
    /// The operations to tell, and what, in order.
    var events: [(operation: Operation, event: OperationEvent)] = []
    /// There is output, and no write has been requested for it yet.
    var needsFlush = false
    /// An operation with a deadline waits in the client: the timer may have to be set again.
    var needsAlarm = false
    /// The state of the conversation has changed.
    var change: ConversationChange?

    mutating func end(_ operation: Operation, _ outcome: OperationOutcome) {
        operation.stage = .ended
        events.append((operation, .ended(outcome)))
    }

    mutating func fail(_ operation: Operation, _ error: SluiceError) { end(operation, .failed(error)) }

    /// Tells the operations.
    func tell() {
        for (operation, event) in events { operation.tell(event) }
    }
}

enum ConversationChange {
    /// The server has greeted the client and accepted its credentials.
    case ready(ServerGreeting)
    /// The connection is of no use any more. Another one may be.
    case broken(SluiceError)
    /// No connection will be of use.
    case rejected(SluiceError)
    /// The server has answered the client's `QUIT`.
    case farewell
}
