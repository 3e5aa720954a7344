import SluiceRuntime

/// How a connection gives way to a later one of its origin.
extension Connection {
    /// Ends the connection because a later one of the same origin needs its place, unless it has authenticated. It does
    /// not linger: a client that keeps its side open would keep its place for that time.
    func endForLaterConnection() {
        guard isOpen, conversation.admission != nil else { return }
        hasGivenWay = true
        // Its TLS handshake goes on, or it is about to begin.
        guard socket.isOpen else { return endBeforeBeginning(because: .tooMany) }
        if case .open = state, conversation.ending == nil {
            conversation.refuse(.placeNeeded, because: .tooMany)
            if !segment.output.isEmpty { writeNow() }
        }
        close(because: .tooMany)
    }
}
