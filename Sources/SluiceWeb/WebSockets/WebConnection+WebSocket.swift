import SluiceHub
import SluiceRuntime
import SluiceWire

/// A connection that has become a WebSocket. It carries the line protocol: each line is a message of the WebSocket, and
/// so is each body.
extension WebConnection {
    /// Turns the connection into a WebSocket, after the hub has checked the credentials of the request.
    func beginWebSocket(_ handshake: WebSocketHandshake) {
        guard let command = prepareClient() else { return }
        cancelAlarm()
        guard !command.isEmpty else { return openWebSocket(handshake) }
        phase = .upgrading(handshake)
        client.write(command)
    }

    /// Writes the response to the handshake, after which both sides send frames.
    func openWebSocket(_ handshake: WebSocketHandshake) {
        door.count(.switchingProtocols)
        output.append(handshake.response)
        phase = .webSocket
        request = nil
        // The WebSocket's client has not named any additions.
        client.understand([])
        webSocket = WebSocketFrames(atMost: max(door.hub.limits.wire.maxBodyBytes, door.hub.limits.wire.maxLineBytes))
        client.whenRead = { [weak self] in self?.settle() }
        let rest = input.takeRest()
        rest.withUnsafeBytes { receiveFrames($0) }
        flush()
    }

    /// Passes the messages of the WebSocket's client to the hub.
    func receiveFrames(_ bytes: UnsafeRawBufferPointer) {
        guard let webSocket else { return }
        awaitsPong = false
        var lines: [UInt8] = []
        for message in webSocket.receive(bytes) {
            lines += message
            lines.append(0x0A)
        }
        // All lines in one write. A write for each took a third of the time that 2 000 messages of 16 KB need.
        if !lines.isEmpty { client.write(lines) }
        output.append(webSocket.takeOutput())
        if webSocket.hasInputEnded { return closeWebSocket(breakingOff: !webSocket.isClosedByClient) }
        if !output.isEmpty { flush() }
    }

    /// Passes the next reply of the hub to the WebSocket's client. Returns false if there is none.
    func forwardReply() -> Bool {
        guard let webSocket, let (line, body) = client.nextReplyBytes() else { return false }
        lastReplyIsError = line.starts(with: "ERR ".utf8)
        webSocket.send(text: line)
        if let body { webSocket.send(binary: body) }
        output.append(webSocket.takeOutput())
        return true
    }

    /// Ends the WebSocket because the hub has ended its client.
    func endWebSocket() {
        guard let webSocket else { return }
        webSocket.close(door.hub.isDraining ? .goingAway : lastReplyIsError ? .refused : .normal)
        output.append(webSocket.takeOutput())
        closeWebSocket(breakingOff: false)
    }

    /// Ends the connection after the closing frame.
    private func closeWebSocket(breakingOff breaksOff: Bool) {
        isLast = true
        if breaksOff { client.breakOff() }
        linger()
        flush()
    }

    /// Called when the kernel has taken all frames.
    func framesAreWritten() { setAlarm(after: Timeouts.heartbeat) }

    /// Whether the hub has too much unread input of the client. Then the socket is not read, and only a probe notices
    /// that the client has hung up.
    var isWaitingForHub: Bool {
        if case .webSocket = phase, !hasOutput { client.unreadBytes >= Self.mostPendingBytes } else { false }
    }

    func webSocketAlarmFires() {
        if isWaitingForHub {
            if socket.failure != nil || socket.hasInputEnded { hangUp(isBroken: true) }
            return
        }
        if hasOutput || awaitsPong || socket.failure != nil { return hangUp(isBroken: true) }
        awaitsPong = true
        webSocket?.ping()
        output.append(webSocket?.takeOutput() ?? [])
        flush()
    }
}
