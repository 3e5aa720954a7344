import SluiceRuntime

/// What is to be done after a step of a conversation, outside of its lock.
struct ConversationActions {
    /// Whom to tell what, in this order.
    var events: [(operation: Operation, event: OperationEvent)] = []
    /// There is output, and nobody was asked yet to write it.
    var needsFlush = false
    /// What waits in the client has a deadline: the timer may have to be set anew.
    var needsAlarm = false
    /// The conversation has begun to serve, or has learnt that it never will.
    var change: ConversationChange?

    mutating func end(_ operation: Operation, _ outcome: OperationOutcome) {
        operation.stage = .ended
        events.append((operation, .ended(outcome)))
    }

    mutating func fail(_ operation: Operation, _ error: SluiceError) { end(operation, .failed(error)) }

    /// Tells the operations how they go on.
    func tell() {
        for (operation, event) in events { operation.tell(event) }
    }
}

enum ConversationChange {
    /// The server has greeted, and has let the client in.
    case ready(ServerGreeting)
    /// The connection is of no use any more; another one may be.
    case broken(SluiceError)
    /// No connection will be of use.
    case rejected(SluiceError)
    /// The server has said good-bye.
    case farewell
}
