import SluiceRuntime

/// The end of a connection whose hub drains or stops.
extension Connection {
    /// Called when the hub begins to drain. A connection that has not begun is called again when it has.
    func drain() {
        if isOpen, socket.isOpen { schedule() }
    }

    /// Ends the conversation if the client has no pending replies and holds no leases. Commands that the client has
    /// sent so far are answered first, up to a limited number of reads.
    func endIfDrained() {
        guard case .open = state, conversation.ending == nil, conversation.hasNoPendingWork, !hub.holdsLeases(id)
        else { return }
        guard conversation.isIdle, segment.output.isEmpty else {
            // A client that keeps sending always has commands that have not run, or replies that are not written.
            if drainingReads == 0 { conversation.endDrained() } else { drainingReads -= 1 }
            return
        }
        let capacity = min(conversation.readableBytes, share.scratch.count)
        guard capacity > 0, drainingReads > 0 else { return conversation.endDrained() }
        drainingReads -= 1
        switch socket.tryRead(into: UnsafeMutableRawBufferPointer(rebasing: share.scratch[..<capacity])) {
        case .bytes(let count):
            conversation.receive(UnsafeRawBufferPointer(rebasing: share.scratch[..<count]), between: self)
            schedule()
        case .endOfStream: conversation.endInput()
        case .wouldBlock: conversation.endDrained()
        case .failed(let errno): close(because: ConnectionEnding(errno: errno))
        }
    }

    /// Writes as much of the pending output as the kernel accepts now, and closes the connection.
    func endAtOnce() {
        guard isOpen, socket.isOpen else { return }
        if case .open = state {
            if !segment.output.isEmpty { writeNow() }
            guard isOpen else { return }
            socket.finishWriting()
            // Closing with unread input would reset the connection, and the last replies might be lost.
            _ = socket.tryRead(into: share.scratch)
        }
        close(because: .stopped)
    }
}
