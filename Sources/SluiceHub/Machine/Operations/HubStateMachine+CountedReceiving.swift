import SluiceRuntime
import SluiceWire

/// Counted receives: messages flow while the client has credit and the window is open.
extension HubStateMachine {
    /// The output bytes that a message of a counted receive is charged with.
    static func outputBytes(ofMessage byteCount: Int) -> Int { byteCount + 64 }

    mutating func receiveCounted(
        _ command: ReceiveCommand, from channel: NamedChannel, _ caller: Caller, of client: ClientRecord,
        _ terms: WaitTerms
    ) -> Outcome {
        let counted = CountedReceive(command, from: channel, tag: caller.tag)
        let bytes = ObjectSize.countedReceive(counted)
        if let refusal = account.refusal(of: bytes, for: client) {
            channels.removeIfIdle(channel, at: now)
            return .done(.error(refusal))
        }
        let id = park(
            .countedReceive(counted), caller, of: client, terms, charging: bytes, setsDeadline: false)
        counted.place = channel.countedReceives.append(id)
        if counted.leaseNanoseconds > 0 { channel.leasedReceivers += 1 }
        pump(counted, id)
        if channel.isBroadcast { runRounds(of: channel) }
        return .parked(id)
    }

    /// Sends messages through a counted receive until it has to wait for a sender, for credit, or for an
    /// acknowledgement.
    mutating func pump(_ counted: CountedReceive, _ id: OperationID) {
        if let operation = operations[id] { pump(counted, id, operation) }
    }

    mutating func pump(_ counted: CountedReceive, _ id: OperationID, _ operation: ParkedOperation) {
        if stage != .serving { return withdraw(id, .draining) }
        while operations.holds(id) {
            if isHeldBack(counted, id, operation.client) {
                if hasInputEnded(for: operation) { withdraw(id, .endOfInput) }
                return
            }
            let channel = counted.channel
            if hasUntold, !channel.isBroadcast, !isReady(channel) { return resumeLater(counted, id) }
            switch takeOffer(from: channel, isLeased: counted.leaseNanoseconds > 0, as: .countedReceive(id)) {
            case .offer(let offer):
                let terms = settle(
                    offer, on: channel, counted.leaseNanoseconds, with: operation.caller.connection, through: id)
                guard forward(.owned(offer.body), terms, offer.extras, through: counted, id, operation) else {
                    return
                }
                steps += 1
                if !hasStepsLeft { return resumeLater(counted, id) }
            case .ended: return end(id, channel.endingReply)
            case .nothing: return waitForSender(counted, id, operation)
            }
        }
    }

    /// Continues a counted receive in a later slice. Until then it takes no message, as if it lacked credit.
    private mutating func resumeLater(_ counted: CountedReceive, _ id: OperationID) {
        notePause(of: counted, id)
        if counted.isResuming { return }
        counted.isResuming = true
        postpone(ResumedReceive(counted, id), for: operations[id]?.client)
    }

    /// Notes for a broadcast that a counted receive is paused.
    private func notePause(of counted: CountedReceive, _ id: OperationID) {
        guard counted.channel.isBroadcast, let client = operations[id]?.caller.connection else { return }
        counted.channel.extras?.notePaused(id, of: client)
    }

    /// Notes the paused counted receives of a channel that becomes a broadcast.
    mutating func notePauses(of channel: NamedChannel) {
        guard channel.pausedCountedReceives > 0 else { return }
        steps += channel.countedReceives.count / 8
        channel.countedReceives.forEach {
            guard let operation = operations[$0], case .countedReceive(let counted) = operation.wait, counted.isPaused
            else { return }
            channel.extras?.notePaused($0, of: operation.caller.connection)
        }
    }

    /// Parks the counted receive until a message arrives.
    private mutating func waitForSender(_ counted: CountedReceive, _ id: OperationID, _ operation: ParkedOperation) {
        if operation.triesOnce { return withdraw(id, .timeout) }
        if hasInputEnded(for: operation) { return withdraw(id, .endOfInput) }
        counted.channel.extras?.noteResumed(id, of: operation.caller.connection)
        counted.ticket = counted.channel.engine.park(WireReceiver(operation: id, arm: nil))
        if let timeout = counted.timeout {
            operation.deadline = deadlines.insert(.operation(id), at: now &+ timeout.wholeNanoseconds)
        }
    }

    /// Whether the operation must not wait because its client has half-closed.
    private func hasInputEnded(for operation: ParkedOperation) -> Bool {
        !operation.waitsAfterEOF && operation.client.hasInputEnded
    }

    /// Whether no message may flow now, for lack of credit or because the window is full. Then the receive waits
    /// outside of the channel's queue.
    private mutating func isHeldBack(_ counted: CountedReceive, _ id: OperationID, _ client: ClientRecord) -> Bool {
        let hasCredit = client.unwrittenBytes < limits.outputBytes
        if !hasCredit, !counted.awaitsCredit {
            counted.awaitsCredit = true
            client.awaitingCredit.append(id)
        }
        guard counted.isWindowFull || !hasCredit else { return false }
        notePause(of: counted, id)
        return true
    }

    /// Sends a message to the client of a counted receive.
    ///
    /// - Returns: whether the receive continues. False if that was its last message.
    mutating func forward(
        _ message: MessageBytes, _ attributes: CommonAttributes, _ extras: OfferExtras?,
        through counted: CountedReceive, _ id: OperationID, _ operation: ParkedOperation
    ) -> Bool {
        let outputBytes = Self.outputBytes(ofMessage: message.count) + (extras?.outputBytes ?? 0)
        operation.client.unwrittenBytes += outputBytes
        if let extras {
            outbox.forward(
                operation, id, message, through: counted, with: Attributes(attributes, extras), countingFor: outputBytes
            )
        } else {
            outbox.forward(
                operation, id, message, through: counted, attributes, countingFor: outputBytes)
        }
        if let remaining = counted.remaining {
            counted.remaining = remaining - 1
            if remaining == 1 {
                end(id, .end)
                return false
            }
        }
        guard counted.channel.isOnce else { return true }
        // A once channel has no further message.
        end(id, .closed(counted.channel.name, nil))
        return false
    }

    /// Returns credit to a connection that has written `bytes` of the output of its counted receives and traces.
    mutating func outputWritten(_ bytes: Int, of connection: ConnectionID) {
        guard clients.holds(connection) else { return }
        clients[connection]?.unwrittenBytes -= bytes
        guard let waiting = clients[connection]?.awaitingCredit, !waiting.isEmpty else { return }
        clients[connection]?.awaitingCredit = []
        for id in waiting {
            guard case .countedReceive(let counted)? = operations[id]?.wait else { continue }
            counted.awaitsCredit = false
            resume(counted, id)
        }
    }

    /// Continues a paused counted receive.
    mutating func resume(_ counted: CountedReceive, _ id: OperationID) {
        guard counted.isPaused, operations[id]?.client.departure == nil else { return }
        let channel = counted.channel
        pump(counted, id)
        if channel.isBroadcast { runRounds(of: channel) }
    }
}
