import SluiceRuntime
import SluiceWire

/// Counted receives: messages flow while the client has credit and the window is open.
extension HubStateMachine {
    /// The output bytes that a message of a counted receive is charged with.
    static func outputBytes(ofMessage byteCount: Int) -> Int { byteCount + 64 }

    mutating func stream(
        _ command: ReceiveCommand, from channel: NamedChannel, _ caller: Caller, _ patience: Patience
    ) -> Outcome {
        let stream = CountedReceive(command, from: channel, tag: caller.tag)
        let id = park(.stream(stream), caller, patience, setsDeadline: false)
        channel.streams.insert(id)
        pump(stream, id)
        if channel.isBroadcast { runRounds(of: channel) }
        return .parked(id)
    }

    /// Sends messages through a counted receive until it has to wait for a sender, for credit, or for an
    /// acknowledgement.
    mutating func pump(_ stream: CountedReceive, _ id: OperationID) {
        if let operation = operations[id] { pump(stream, id, operation) }
    }

    mutating func pump(_ stream: CountedReceive, _ id: OperationID, _ operation: ParkedOperation) {
        while operations.holds(id) {
            if isHeldBack(stream, id, operation.client) {
                if hasInputEnded(for: operation) { withdraw(id, .endOfInput) }
                return
            }
            let channel = stream.channel
            switch takeOffer(from: channel, isLeased: stream.leaseNanoseconds > 0, as: .stream(id)) {
            case .offer(let offer):
                let terms = settle(
                    offer, on: channel, stream.leaseNanoseconds, with: operation.caller.connection, through: id)
                guard forward(.owned(offer.body), terms, through: stream, id, operation) else { return }
            case .ended: return end(id, channel.endingReply)
            case .nothing: return waitForSender(stream, id, operation)
            }
        }
    }

    /// The paused counted receives of a channel, in the order in which they began.
    func pausedStreams(of channel: NamedChannel) -> [OperationID] {
        channel.streams.filter {
            if case .stream(let stream)? = operations[$0]?.wait { stream.isPaused } else { false }
        }
        .sorted { $0.serial < $1.serial }
    }

    /// Parks the counted receive until a message arrives.
    private mutating func waitForSender(_ stream: CountedReceive, _ id: OperationID, _ operation: ParkedOperation) {
        if operation.triesOnce { return withdraw(id, .timeout) }
        if hasInputEnded(for: operation) { return withdraw(id, .endOfInput) }
        stream.channel.extras?.pausedStreams.remove(id)
        stream.ticket = stream.channel.engine.park(WireReceiver(operation: id, arm: nil))
        if let timeout = stream.timeout {
            operation.deadline = deadlines.insert(.operation(id), at: now &+ timeout.wholeNanoseconds)
        }
    }

    /// Whether the operation must not wait because its client has half-closed.
    private func hasInputEnded(for operation: ParkedOperation) -> Bool {
        !operation.waitsAfterEOF && operation.client.hasInputEnded
    }

    /// Whether no message may flow now, for lack of credit or because the window is full. Then the receive waits
    /// outside of the channel's queue.
    private mutating func isHeldBack(_ stream: CountedReceive, _ id: OperationID, _ client: ClientRecord) -> Bool {
        let hasRoom = client.unwrittenBytes < limits.outputBytes
        if !hasRoom, !stream.awaitsRoom {
            stream.awaitsRoom = true
            client.awaitingRoom.append(id)
        }
        guard stream.isWindowFull || !hasRoom else { return false }
        if stream.channel.isBroadcast { stream.channel.extras?.pausedStreams.insert(id) }
        return true
    }

    /// Sends a message to the client of a counted receive.
    ///
    /// - Returns: whether the receive continues. False if that was its last message.
    mutating func forward(
        _ message: MessageBytes, _ attributes: Attributes, through stream: CountedReceive, _ id: OperationID,
        _ operation: ParkedOperation
    ) -> Bool {
        let outputBytes = Self.outputBytes(ofMessage: message.count)
        operation.client.unwrittenBytes += outputBytes
        outbox.forward(
            operation, id, message, through: stream, attributes, countingFor: outputBytes)
        if let remaining = stream.remaining {
            stream.remaining = remaining - 1
            if remaining == 1 {
                end(id, .end)
                return false
            }
        }
        guard stream.channel.isOnce else { return true }
        // A once channel has no further message.
        end(id, .closed(stream.channel.name, nil))
        return false
    }

    /// Returns credit to a connection that has written `bytes` of the output of its counted receives and traces.
    mutating func outputWritten(_ bytes: Int, of connection: ConnectionID) {
        guard clients.holds(connection) else { return }
        clients[connection]?.unwrittenBytes -= bytes
        guard let waiting = clients[connection]?.awaitingRoom, !waiting.isEmpty else { return }
        clients[connection]?.awaitingRoom = []
        for id in waiting {
            guard case .stream(let stream)? = operations[id]?.wait else { continue }
            stream.awaitsRoom = false
            resume(stream, id)
        }
    }

    /// Continues a paused counted receive.
    mutating func resume(_ stream: CountedReceive, _ id: OperationID) {
        guard stream.isPaused else { return }
        let channel = stream.channel
        pump(stream, id)
        if channel.isBroadcast { runRounds(of: channel) }
    }
}
