import SluiceWire

/// Reporting handoffs to tracing clients as they happen.
extension HubStateMachine {
    mutating func trace(_ command: TraceCommand, _ caller: Caller) -> Outcome {
        let client = client(of: caller)
        if let refusal = refusalToTrace(for: client) { return .done(.error(refusal)) }
        let terms = WaitTerms(timeout: nil, waitsAfterEOF: false)
        if let reply = refusalToPark(terms, client, charging: ObjectSize.tracer) { return .done(reply) }
        let id = park(.trace(Tracer(command)), caller, of: client, terms, charging: ObjectSize.tracer)
        tracers.append(id)
        client.tracers += 1
        client.holder.tracers += 1
        return .parked(id)
    }

    /// Returns the error if a client may not begin another trace, or nil if it may.
    private func refusalToTrace(for client: ClientRecord) -> WireError? {
        let most = limits.maxTracers
        if Int(client.tracers) >= most { return WireError(.limit, "a connection may have at most \(most) traces") }
        if client.holder.tracers >= 2 * most {
            return WireError(
                .limit, "the connections of an address or principal may have at most \(2 * most) traces")
        }
        // Beyond the number for all, a reserve is for holders without a trace, so that few holders do not keep others from
        // tracing.
        if tracers.count < (client.holder.tracers == 0 ? 5 : 4) * most { return nil }
        return WireError(
            .limit,
            "all clients together may have at most \(4 * most) traces, besides the first of an address or principal"
        )
    }

    mutating func endTrace(_ id: OperationID, of client: ClientRecord) {
        tracers.removeAll { $0 == id }
        client.tracers -= 1
        client.holder.tracers -= 1
    }

    /// Reports a handoff to each tracing client that has credit left. A handoff never waits for a tracing client.
    mutating func trace(
        _ bodyBytes: Int, on channel: NamedChannel, from sender: ConnectionID, to receiver: ConnectionID,
        _ attempt: Int?
    ) {
        if tracers.isEmpty { return }
        for id in tracers {
            guard let operation = operations[id], case .trace(let tracer) = operation.wait,
                tracer.follows(channel.name),
                operation.client.grant.permissions?.allows(.trace, on: channel.name) != false
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
            // Encoding the report takes about a microsecond, and in JSON several.
            steps += tracer.format == .json ? 8 : 1
            outbox.forward(operation, id, handoff)
        }
    }

    private func caption(of connection: ConnectionID) -> ClientCaption {
        let client = clients[connection]
        return ClientCaption(address: client?.address ?? "-", label: client?.label?.description)
    }
}
