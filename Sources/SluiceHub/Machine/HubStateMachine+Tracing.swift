import SluiceWire

/// Reporting handoffs to tracing clients as they happen.
extension HubStateMachine {
    mutating func trace(_ command: TraceCommand, _ caller: Caller) -> Outcome {
        guard tracers.count < limits.maxTracers else {
            return .done(.error(WireError(.limit, "at most \(limits.maxTracers) clients may trace at a time")))
        }
        let patience = Patience(timeout: nil, waitsAfterEOF: false)
        if let reply = refusalToPark(patience, caller) { return .done(reply) }
        let id = park(.trace(Tracer(command)), caller, patience)
        tracers.append(id)
        return .parked(id)
    }

    /// Reports a handoff to each tracing client that has credit left. A handoff never waits for a tracing client.
    mutating func trace(
        _ bodyBytes: Int, on channel: NamedChannel, from sender: ConnectionID, to receiver: ConnectionID,
        _ attempt: Int?
    ) {
        if tracers.isEmpty { return }
        for id in tracers {
            guard let operation = operations[id], case .trace(let tracer) = operation.wait,
                tracer.follows(channel.name)
            else { continue }
            let connection = operation.caller.connection
            guard let client = clients[connection], client.unwrittenBytes < limits.outputBytes else {
                tracer.dropped += 1
                continue
            }
            clients[connection]?.unwrittenBytes += Handoff.outputBytes
            let handoff = Handoff(
                time: now, channel: channel.name, bodyBytes: bodyBytes, sender: caption(of: sender),
                receiver: caption(of: receiver), attempt: attempt, droppedBefore: tracer.dropped, format: tracer.format)
            tracer.dropped = 0
            outbox.forward(operation, id, handoff)
        }
    }

    /// The name of a client in a trace.
    private func caption(of connection: ConnectionID) -> String {
        guard let client = clients[connection] else { return "-" }
        return client.label?.description ?? client.address
    }
}
