import SluiceHub
import SluiceRuntime
import SluiceWire

/// The state of a response of server-sent events.
struct StreamedResponse {
    var source: any EventStream
    /// Whether the response has begun.
    var hasBegun = false
    /// Whether there are events that the client's kernel has not confirmed.
    var hasUnconfirmed = false
    /// Whether the last event is written.
    var hasEnded = false
}

extension WebConnection {
    /// With this many bytes of events or frames that the client has not taken, no replies of the hub are taken. So the
    /// hub stops writing too.
    static let mostPendingBytes = 64 << 10

    /// Whether the HTTP client has room for more replies of the hub.
    var takesReplies: Bool {
        switch phase {
        case .streaming, .webSocket: output.count < Self.mostPendingBytes
        case .head, .body, .authenticating, .waiting, .changingLease, .delivering, .acknowledging, .upgrading,
            .lingering,
            .closed:
            true
        }
    }

    /// Begins a stream, with the credentials of the request.
    func begin(_ new: some EventStream) {
        guard var commands = prepareClient() else { return }
        var new = new
        commands += new.begin()
        stream = StreamedResponse(source: new)
        phase = .streaming
        cancelAlarm()
        client.write(commands)
    }

    /// Continues the stream with a reply of the hub. Its output is flushed after the last reply.
    func continueStream(_ reply: Reply, _ tag: Tag?) {
        switch stream?.source.receive(reply, tag) {
        case .command(let bytes)?: client.write(bytes)
        case .open?: openStream()
        case .events(let events)?:
            openStream()
            for event in events { output.append(event.bytes) }
            stream?.hasUnconfirmed = true
        case .end(let reply)?: endStream(because: reply)
        case StreamStep.none?, nil: break
        }
    }

    private func openStream() {
        guard stream?.hasBegun == false else { return }
        stream?.hasBegun = true
        door.count(.ok)
        output.append(Response.events.bytes(keepingAlive: false))
        setAlarm(after: Timeouts.heartbeat)
    }

    /// Ends the stream with an event, or the request with an ordinary response if the stream has not begun.
    func endStream(because reply: Reply) {
        guard stream?.hasEnded == false else { return }
        guard stream?.hasBegun == true else {
            stream = nil
            respond(Response(outcome: reply), isLast: client.isEnded)
            return serveInput()
        }
        output.append(ServerSentEvent(end: reply).bytes)
        stream?.hasEnded = true
        stream?.hasUnconfirmed = true
    }

    /// Called when the kernel has taken all events.
    func eventsAreWritten() {
        guard stream?.hasUnconfirmed == true else { return setAlarm(after: timeToNextWrite) }
        confirmations.checkSoon()
        checkEvents()
    }

    /// Acknowledges the messages if the client's kernel has confirmed all events, or checks again soon.
    private func checkEvents() {
        guard awaitConfirmation() else { return }
        acknowledgeEvents()
        if stream?.hasEnded == true { return linger() }
        setAlarm(after: timeToNextWrite)
    }

    private var timeToNextWrite: Duration { stream?.source.pause ?? Timeouts.heartbeat }

    func acknowledgeEvents() {
        stream?.hasUnconfirmed = false
        if let commands = stream?.source.confirmed(), !commands.isEmpty { client.write(commands) }
    }

    func streamAlarmFires() {
        if hasOutput { return hangUp(isBroken: true) }
        if stream?.hasUnconfirmed == true { return checkEvents() }
        if stream?.source.pause != nil, let commands = stream?.source.resume() {
            setAlarm(after: Timeouts.heartbeat)
            return client.write(commands)
        }
        output.append(ServerSentEvent.heartbeat)
        flush()
    }
}
