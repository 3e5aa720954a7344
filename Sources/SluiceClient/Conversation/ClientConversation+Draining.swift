import SluiceRuntime
import SluiceWire

/// How receives outlive a server that is about to stop.
///
/// Such a server refuses new work and withdraws what waits, and both prove that the operation has not happened. It keeps
/// the connection open as long as the client holds messages, so that they can still be acknowledged. A send ends with
/// `.draining`, because a task that holds a message and waits for the next server would delay the end of this one.
extension ClientConversation {
    /// Keeps an operation for the next connection when the server does not perform it because it is about to stop.
    ///
    /// - Returns: whether the operation was kept. If not, it ends with the reply.
    mutating func keepForNextServer(_ operation: Operation, _ reply: Reply, _ actions: inout ConversationActions)
        -> Bool
    {
        switch reply {
        case .cancelled("draining"): break
        case .error(let error) where error.code == .draining: break
        case .ok, .message, .data, .timeout, .timeoutWithoutReceivers, .closed, .poisoned, .rejected, .cancelled,
            .maybe, .otherwise, .end,
            .error:
            return false
        }
        isDraining = true
        guard isReady, waitsForNextServer(operation), !operation.isCancelled, operation.continueCounting() else {
            return false
        }
        operation.stage = .queued
        operation.wasDelayed = true
        switch operation.lane {
        case nil: instant.insert([operation])
        case .taking: taking.insert([operation])
        case .sending: sending.insert([operation])
        }
        if operation.deadline != nil { actions.needsAlarm = true }
        return true
    }

    /// Whether a server that is about to stop refuses the operation, and the next one is asked.
    func waitsForNextServer(_ operation: Operation) -> Bool {
        guard reconnects, operation.timeout != .zero, operation.command.recovery == .again else { return false }
        switch operation.command {
        case .receive, .select, .trace, .open, .join: return true
        case .hello, .authenticate, .name, .ping, .send, .barrier, .acknowledge, .nack, .reject, .touch, .redrive,
            .close, .poison, .leave,
            .inspect, .kill, .cancel, .help, .quit:
            return false
        }
    }
}
