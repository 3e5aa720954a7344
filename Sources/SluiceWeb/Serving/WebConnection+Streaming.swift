import SluiceHub
import SluiceRuntime

/// Responses without an end, whose pieces follow each other as fast as the client takes them.
extension WebConnection {
    func beginStream(_ response: Response, _ piece: [UInt8]) {
        isLast = true
        phase = .streaming
        output += response.streamHead
        send(piece, thenPausing: nil)
    }

    /// Sends a piece of a stream.
    ///
    /// - Parameter pause: the time until the exchange proceeds; nil to proceed when the client has taken the piece.
    func send(_ piece: [UInt8], thenPausing pause: Duration?) {
        streamStage = .writing(thenPausing: pause)
        output += piece
        flush()
    }

    /// Proceeds with the stream, or pauses. Called when all output is written.
    func streamIsTaken() {
        guard case .writing(let pause) = streamStage else { return }
        guard !hasOutput else { return setAlarm(after: door.hub.limits.stallTimeout) }
        cancelAlarm()
        if let pause {
            streamStage = .pausing
            return setAlarm(after: pause)
        }
        streamStage = .waiting
        // Later, because the piece may have been the last one of many replies that the hub has ready.
        reactor.post { [self] in
            proceed()
            settle()
        }
    }

    func proceed() {
        guard isOpen, case .streaming = phase, var current = exchange else { return }
        streamStage = .waiting
        let step = current.proceed()
        exchange = current
        perform(step)
    }
}
