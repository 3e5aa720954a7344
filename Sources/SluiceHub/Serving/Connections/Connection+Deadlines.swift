import SluiceRuntime

/// What a connection does when its client has taken too long.
extension Connection {
    /// Sets an alarm for the earliest deadline of the connection.
    func setAlarm() {
        let isReading = socket.watchesReading
        let isWriting = socket.watchesWriting || deadlines?.isWritingPaused == true
        if deadlines == nil {
            // The common case: a client that owes nothing and takes its replies.
            if isReading, !isWriting, conversation.deadline == nil, case .open = state { return }
            deadlines = ConnectionDeadlines()
        }
        guard let deadlines else { return }
        let now = reactor.nowNanoseconds
        deadlines.line = isReading && !isLingering ? conversation.deadline?.nanoseconds : nil
        deadlines.keep(\.probe, if: !isReading, now, hub.limits.probeInterval)
        deadlines.keep(\.stall, if: isWriting, now, hub.limits.stallTimeout)
        deadlines.keep(\.linger, if: isLingering, now, hub.limits.lingerTimeout)
        deadlines.setAlarm(on: reactor, now) { [self] in alarmFires() }
    }

    /// Does nothing more, because the alarms of thousands of connections may go off at the same time.
    private func alarmFires() {
        guard isOpen, let deadlines else { return }
        deadlines.alarmHasFired()
        schedule()
    }

    func endOverdue(_ deadlines: ConnectionDeadlines) {
        let now = reactor.nowNanoseconds
        deadlines.hasFired = false
        // The end of the turn writes then.
        _ = deadlines.takeDue(\.resumeWriting, now)
        if deadlines.takeDue(\.stall, now) { return close(because: .stalled, discardingOutput: true) }
        if deadlines.takeDue(\.linger, now) { return close(because: .reset, discardingOutput: true) }
        // While no input is read, only the probe notices that the client has disconnected or half-closed.
        if deadlines.takeDue(\.probe, now) {
            if let errno = socket.failure { return close(because: ConnectionEnding(errno: errno)) }
            if socket.hasInputEnded { conversation.expectEnd() }
        }
        // The client may have sent the rest since the alarm went off.
        if deadlines.takeDue(\.line, now), let deadline = conversation.deadline, deadline.nanoseconds <= now {
            conversation.endOverdue(because: deadline.ending)
        }
    }

    var isLingering: Bool { if case .lingering = state { true } else { false } }
}
