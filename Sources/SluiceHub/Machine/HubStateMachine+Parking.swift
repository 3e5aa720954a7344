import SluiceRuntime
import SluiceWire

/// How operations begin to wait, and how they stop.
extension HubStateMachine {
    /// What an operation says of how it wants to wait.
    struct Patience {
        let timeout: Duration?
        let waitsAfterEOF: Bool
        /// The bytes of the messages that it would keep in memory.
        var bodyBytes = 0
        /// Whether its client gives it no time.
        let triesOnce: Bool

        init(timeout: Duration?, waitsAfterEOF: Bool, bodyBytes: Int = 0) {
            self.timeout = timeout
            self.waitsAfterEOF = waitsAfterEOF
            self.bodyBytes = bodyBytes
            // Asked for often, and a comparison of durations is a call.
            triesOnce = timeout.map { $0 == .zero } ?? false
        }

        init(_ options: SendOptions?, bodyBytes: Int) {
            self.init(timeout: options?.timeout, waitsAfterEOF: options?.waitsAfterEOF ?? false, bodyBytes: bodyBytes)
        }

        init(_ options: ReceiveOptions?) {
            self.init(timeout: options?.timeout, waitsAfterEOF: options?.waitsAfterEOF ?? false)
        }
    }

    /// Why an operation that found nobody must not wait; nil when it may.
    func refusalToPark(_ patience: Patience, _ caller: Caller) -> Reply? {
        if patience.triesOnce { return .timeout }
        if isWithdrawnByEOF(patience, caller) { return Withdrawal.endOfInput.reply }
        return refusalToWait(patience.bodyBytes, caller.connection).map { .error($0) }
    }

    /// Why a connection must not wait with messages of so many bytes; nil when it may.
    func refusalToWait(_ bodyBytes: Int, _ connection: ConnectionID) -> WireError? {
        guard bodyBytes > limits.parkedBytes - (clients[connection]?.parkedBytes ?? 0) else { return nil }
        return WireError(
            .limit, "a connection may wait to send at most \(limits.parkedBytes) bytes of messages")
    }

    /// Whether an operation that has to wait is withdrawn at once.
    func isWithdrawnByEOF(_ patience: Patience, _ caller: Caller) -> Bool {
        !patience.waitsAfterEOF && clients[caller.connection]?.hasInputEnded != false
    }

    /// Enters an operation that stands in its queues under `operations.nextKey`.
    ///
    /// - Parameter setsDeadline: whether its time runs from now on.
    mutating func park(
        _ wait: OperationWait, _ caller: Caller, _ patience: Patience, setsDeadline: Bool = true
    ) -> OperationID {
        let id = operations.nextKey
        let connection = caller.connection
        let triesOnce = patience.triesOnce
        let timeout = setsDeadline && !triesOnce ? patience.timeout : nil
        let deadline = timeout.map {
            deadlines.insert(.operation(id), at: now &+ $0.wholeNanoseconds)
        }
        let client = clients[connection] ?? nobody
        let next = client.enter(id, patience.bodyBytes, wait.possibleLeases)
        let bodyBytes = Int32(clamping: patience.bodyBytes)
        let operation: ParkedOperation
        if let spare = spareOperations.popLast() {
            operation = spare
            operation.reuse(
                caller, client, wait, since: now, triesOnce: triesOnce, waitsAfterEOF: patience.waitsAfterEOF,
                bodyBytes: bodyBytes)
        } else {
            operation = ParkedOperation(
                caller, client, wait, since: now, triesOnce: triesOnce, waitsAfterEOF: patience.waitsAfterEOF,
                bodyBytes: bodyBytes)
        }
        operation.deadline = deadline
        operation.next = next
        operations.insert(operation)
        if let next { operations[next]?.previous = id }
        parkedEbb.rise(to: operations.count)
        return id
    }

    /// Ends a parked operation that was completed, with a reply.
    ///
    /// - Parameter arm: the arm of a select that was taken.
    mutating func end(_ id: OperationID, _ reply: Reply?, arm: Int32? = nil) {
        guard let operation = operations[id] else { return }
        retire(operation, id, arm: arm)
        if let reply { outbox.finish(operation, id, reply) }
    }

    /// Takes a parked operation out of every place in which it stands.
    ///
    /// - Parameter arm: the arm of a select that was taken.
    mutating func retire(_ operation: ParkedOperation, _ id: OperationID, arm: Int32?) {
        _ = operations.remove(id)
        if let next = operation.next { operations[next]?.previous = operation.previous }
        if let previous = operation.previous { operations[previous]?.next = operation.next }
        operation.client.leave(operation)
        if let deadline = operation.deadline { deadlines.remove(deadline) }
        leave(operation.wait, id)
        if case .select(let select) = operation.wait, let key = select.key, let arm {
            operation.client.fairness.remember(arm, of: key)
        }
    }

    /// Keeps the object of a plain receive that has ended, for another operation: allocating one for each handoff took a
    /// thirtieth of its instructions. The objects of other operations hold messages, and go.
    mutating func recycle(_ operation: ParkedOperation) {
        guard spareOperations.count < Self.maxSpareOperations, case .receive(let channel, _, _) = operation.wait,
            channel.extras == nil
        else { return }
        spareOperations.append(operation)
    }

    private static let maxSpareOperations = 64

    /// Ends a parked operation that was not completed.
    ///
    /// - Parameter reason: what its client is told; nil is nothing.
    mutating func withdraw(_ id: OperationID, _ reason: Withdrawal?) {
        guard let operation = operations[id] else { return }
        end(id, reason.map { isInDoubt(operation.wait) ? $0.doubt : $0.reply })
    }

    /// Whether it cannot be said of a send that is withdrawn now that nobody will have received its message.
    private func isInDoubt(_ wait: OperationWait) -> Bool {
        switch wait {
        case .send(_, let offer, _): isInDoubt(offer)
        case .select(let select):
            select.arms.contains { if case .send(_, let offer) = $0 { isInDoubt(offer) } else { false } }
        case .receive, .stream, .barrier, .trace: false
        }
    }

    func isInDoubt(_ offer: Offer) -> Bool {
        // Somebody else who sends the same goes on, unless everybody is withdrawn.
        if !offer.attached.isEmpty, stage == .serving { return true }
        switch offer.place {
        case .leased: return true
        case .distributing: return offer.attempts > 0
        case .queued, .buffered, .returned, .delayed, .gone: return false
        }
    }

    // MARK: Leaving

    /// Takes an operation out of every place in which it stands still.
    private mutating func leave(_ wait: OperationWait, _ id: OperationID) {
        switch wait {
        case .send(let channel, let offer, _): leave(offer, on: channel, id)
        case .receive(let channel, let ticket, _): leave(channel, ticket)
        case .stream(let stream): leave(stream, id)
        case .barrier(let barrier, let ticket): leave(barrier, ticket)
        case .trace: tracers.removeAll { $0 == id }
        case .select(let select): for arm in select.arms { leave(arm, id) }
        }
    }

    /// Takes an arm of a select out of its queue.
    mutating func leave(_ arm: ParkedArm, _ id: OperationID) {
        switch arm {
        case .send(let channel, let offer): leave(offer, on: channel, id)
        case .receive(let channel, let ticket, _): leave(channel, ticket)
        case .barrier(let barrier, let ticket): leave(barrier, ticket)
        }
    }

    private mutating func leave(_ channel: NamedChannel, _ ticket: WaitTicket) {
        _ = channel.engine.withdrawReceiver(ticket)
        channels.release(channel, at: now)
    }

    private mutating func leave(_ stream: CountedReceive, _ id: OperationID) {
        if let ticket = stream.ticket { _ = stream.channel.engine.withdrawReceiver(ticket) }
        stream.channel.streams.remove(id)
        stream.channel.extras?.pausedStreams.remove(id)
        leaveRound(.stream(id), of: stream.channel)
        channels.release(stream.channel, at: now)
    }

    private mutating func leave(_ barrier: Barrier, _ ticket: WaitTicket) {
        barrier.remove(ticket)
        if barrier.isEmpty { barriers[barrier.name] = nil }
    }

    /// Has an operation wait for an offer no more; one that nobody waits for any more is withdrawn.
    private mutating func leave(_ offer: Offer, on channel: NamedChannel, _ id: OperationID) {
        offer.detach(id)
        abandon(offer, on: channel)
    }

    /// Withdraws an offer if nobody cares for it any more.
    mutating func abandon(_ offer: Offer, on channel: NamedChannel) {
        if offer.isWanted { return }
        switch offer.place {
        // Whoever holds it may acknowledge it still: a sender that comes back will be told.
        case .leased, .gone: channels.release(channel, at: now)
        case .distributing: abandonRound(of: channel)
        case .queued, .buffered, .returned, .delayed:
            takeOut(offer, of: channel)
            goOn(with: channel)
        }
    }

    /// Has a channel go on from which something was withdrawn that others may have waited behind.
    mutating func goOn(with channel: NamedChannel) {
        if channel.isBroadcast { runRounds(of: channel) } else { settleEnding(of: channel) }
    }

    /// Whether the channel goes on later: after the withdrawal of everything that a client has.
    mutating func isHeldUp(_ channel: NamedChannel) -> Bool {
        if heldUp == nil { return false }
        heldUp?.append(channel)
        return true
    }

    /// Takes an offer out of the channel, of which nothing has come.
    private mutating func takeOut(_ offer: Offer, of channel: NamedChannel) {
        switch offer.place {
        case .queued(let ticket): _ = channel.engine.withdrawSender(ticket)
        case .buffered:
            _ = channel.engine.withdrawBuffered { $0 === offer }
            admit(channel.engine.admit(), to: channel)
        case .returned(let handle): channel.extras?.returned.remove(handle)
        case .delayed: wake(offer, on: channel)
        case .leased, .distributing, .gone: break
        }
        discard(offer, on: channel)
    }

    /// Lets go of an offer of which nothing has come and that stands nowhere any more.
    mutating func discard(_ offer: Offer, on channel: NamedChannel) {
        letGo(of: offer, on: channel)
        if let key = offer.key { memory.forget(key, offer) }
    }
}
