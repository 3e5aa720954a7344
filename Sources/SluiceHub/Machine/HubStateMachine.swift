import SluiceRuntime
import SluiceWire

/// Decides what happens on the named channels: who meets whom, who waits, and who is told what.
///
/// Pure and synchronous: the clock is passed in, chance is injected, and what is to be told to others is appended to
/// `effects`, in the order in which it was decided; the caller performs them after it has let go of the lock. The same
/// calls with the same generator give the same effects.
///
/// Invariants: an operation is parked in the queues of all its arms or in none, so whoever finds it there may have it;
/// a channel is in the table while somebody waits on it; an operation is in its connection's list while it is parked.
/// Every call costs the logarithm of the parked operations at most, or the number of operations that it ends.
struct HubStateMachine: ~Copyable {
    var channels = ChannelTable()
    private var operations = Slab<ParkedOperation>()
    private var clients = Slab<ClientRecord>()
    private var deadlines = TimerQueue<OperationID>()
    private var generator: any RandomNumberGenerator & Sendable

    /// - Parameter generator: makes the choice of selects that want it made at random.
    init(generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
        self.generator = generator
    }

    /// The number of connections.
    var connectionCount: Int { clients.count }
    /// The number of parked operations.
    var parkedCount: Int { operations.count }
    /// When `expire` should be called next, in nanoseconds of the clock.
    var nextDeadline: UInt64? { deadlines.earliest }

    // MARK: Connections

    mutating func connect() -> ConnectionID {
        clients.insert(ClientRecord())
    }

    /// Forgets the connection, and withdraws everything that it has parked, without replies.
    mutating func disconnect(_ connection: ConnectionID) {
        var ignored: [Effect] = []
        withdrawAll(of: connection, nil, &ignored)
        _ = clients.remove(connection)
    }

    /// Withdraws everything that the connection has parked; `reply` is told of each.
    mutating func withdrawAll(of connection: ConnectionID, _ reply: Reply?, _ effects: inout [Effect]) {
        while let id = clients[connection]?.firstOperation { end(id, reply, &effects) }
    }

    /// Withdraws what the connection has parked without `eof=wait`; nothing more of that kind parks from now on.
    mutating func endInput(of connection: ConnectionID, _ effects: inout [Effect]) {
        guard clients.holds(connection) else { return }
        clients[connection]?.hasInputEnded = true
        var next = clients[connection]?.firstOperation
        while let id = next {
            guard let operation = operations[id] else { return }
            next = operation.next
            if !operation.waitsAfterEOF { end(id, .withdrawnByEOF, &effects) }
        }
    }

    // MARK: Operations

    /// Performs an operation, or parks it.
    ///
    /// - Parameter now: nanoseconds of a clock that only grows.
    mutating func apply(
        _ operation: HubOperation, by caller: Caller, at now: UInt64, _ effects: inout [Effect]
    ) -> Outcome {
        switch operation {
        case .send(let command): send(command, caller, now, &effects)
        case .receive(let command): receive(command, caller, now, &effects)
        case .select(let command): select(command, caller, now, &effects)
        }
    }

    /// Withdraws a parked operation: `CANCELLED` is its reply, unless it is complete already.
    mutating func cancel(_ id: OperationID, _ effects: inout [Effect]) {
        end(id, .cancelled(nil), &effects)
    }

    /// Ends the operations whose time has run out.
    mutating func expire(at now: UInt64, _ effects: inout [Effect]) {
        while let id = deadlines.popDue(at: now) { end(id, .timeout, &effects) }
    }

    private mutating func send(
        _ command: SendCommand, _ caller: Caller, _ now: UInt64, _ effects: inout [Effect]
    ) -> Outcome {
        let channel = channels.channel(command.channel)
        if let reply = offer(command.body, on: channel, arm: nil, &effects) { return .done(reply) }
        if let reply = refusalToPark(command.timeout, command.waitsAfterEOF, caller) {
            channels.release(channel)
            return .done(reply)
        }
        let sender = WireSender(operation: operations.nextKey, arm: nil)
        let ticket = channel.engine.park(sender, message: command.body)
        return park(.plain(.sender(channel, ticket)), caller, command.timeout, command.waitsAfterEOF, now)
    }

    private mutating func receive(
        _ command: ReceiveCommand, _ caller: Caller, _ now: UInt64, _ effects: inout [Effect]
    ) -> Outcome {
        let channel = channels.channel(command.channel)
        if let reply = take(from: channel, arm: nil, &effects) { return .done(reply) }
        if let reply = refusalToPark(command.timeout, command.waitsAfterEOF, caller) {
            channels.release(channel)
            return .done(reply)
        }
        let ticket = channel.engine.park(WireReceiver(operation: operations.nextKey, arm: nil))
        return park(.plain(.receiver(channel, ticket)), caller, command.timeout, command.waitsAfterEOF, now)
    }

    private mutating func select(
        _ command: SelectCommand, _ caller: Caller, _ now: UInt64, _ effects: inout [Effect]
    ) -> Outcome {
        let key = command.order == .fair && command.arms.count > 1 ? FairKey(command.arms) : nil
        for arm in places(of: command, key, caller) {
            guard let reply = attempt(command.arms[arm], Int32(arm), &effects) else { continue }
            if let key { clients[caller.connection]?.fairness.remember(Int32(arm), of: key) }
            return .done(reply)
        }
        if command.hasElse { return .done(.otherwise(.taken(Int32(command.arms.count)))) }
        if let reply = refusalToPark(command.timeout, command.waitsAfterEOF, caller) { return .done(reply) }
        let id = operations.nextKey
        let arms = command.arms.enumerated().map { park($1, Int32($0), of: id) }
        return park(.select(arms, key), caller, command.timeout, command.waitsAfterEOF, now)
    }

    /// The order in which a select looks at its arms.
    private mutating func places(of command: SelectCommand, _ key: FairKey?, _ caller: Caller) -> [Int] {
        let count = command.arms.count
        switch command.order {
        case .first: return Array(0..<count)
        case .random: return Array(0..<count).shuffled(using: &generator)
        case .fair:
            let start = key.flatMap { clients[caller.connection]?.fairness.start(of: $0, arms: count) } ?? 0
            return Array(start..<count) + Array(0..<start)
        }
    }

    /// The reply that an arm gives at once; nil when it would have to wait.
    private mutating func attempt(_ arm: Arm, _ number: Int32, _ effects: inout [Effect]) -> Reply? {
        let channel: NamedChannel
        let reply: Reply?
        switch arm {
        case .receive(let name):
            channel = channels.channel(name)
            reply = take(from: channel, arm: number, &effects)
        case .send(let name, let body):
            channel = channels.channel(name)
            reply = offer(body, on: channel, arm: number, &effects)
        }
        if reply == nil { channels.release(channel) }
        return reply
    }
}

// MARK: - Meeting

extension HubStateMachine {
    /// Offers a message to the channel; nil when it must wait for a receiver.
    private mutating func offer(
        _ body: Body, on channel: NamedChannel, arm: Int32?, _ effects: inout [Effect]
    ) -> Reply? {
        switch channel.engine.send(body) {
        case .handed(let receiver): end(receiver, body, channel, &effects)
        case .published(let receivers): for receiver in receivers { end(receiver, body, channel, &effects) }
        case .accepted: break
        case .blocked: return nil
        case .ended: return channel.endingReply
        }
        return .ok(.taken(arm))
    }

    /// Takes a message from the channel; nil when it must wait for a sender.
    private mutating func take(from channel: NamedChannel, arm: Int32?, _ effects: inout [Effect]) -> Reply? {
        switch channel.engine.receive() {
        case .message(let body, let sender):
            let reply = Reply.message(channel.name, body, .taken(arm))
            if let sender { end(sender.operation, .ok(.taken(sender.arm)), arm: sender.arm, &effects) }
            return reply
        case .blocked: return nil
        case .ended: return channel.endingReply
        }
    }

    private mutating func end(
        _ receiver: WireReceiver, _ body: Body, _ channel: NamedChannel, _ effects: inout [Effect]
    ) {
        let reply = Reply.message(channel.name, body, .taken(receiver.arm))
        end(receiver.operation, reply, arm: receiver.arm, &effects)
    }
}

// MARK: - Parking

extension HubStateMachine {
    /// Why an operation that found nobody must not wait; nil when it may.
    private func refusalToPark(_ timeout: Duration?, _ waitsAfterEOF: Bool, _ caller: Caller) -> Reply? {
        if timeout == .zero { return .timeout }
        guard !waitsAfterEOF, clients[caller.connection]?.hasInputEnded != false else { return nil }
        return .withdrawnByEOF
    }

    private mutating func park(_ arm: Arm, _ number: Int32, of id: OperationID) -> QueuePlace {
        switch arm {
        case .receive(let name):
            let channel = channels.channel(name)
            return .receiver(channel, channel.engine.park(WireReceiver(operation: id, arm: number)))
        case .send(let name, let body):
            let channel = channels.channel(name)
            return .sender(channel, channel.engine.park(WireSender(operation: id, arm: number), message: body))
        }
    }

    /// Enters an operation that stands in its queues under `operations.nextKey`.
    private mutating func park(
        _ wait: OperationWait, _ caller: Caller, _ timeout: Duration?, _ waitsAfterEOF: Bool, _ now: UInt64
    ) -> Outcome {
        let id = operations.nextKey
        let deadline = timeout.map { deadlines.set(at: now &+ $0.wholeNanoseconds, id) }
        let next = clients[caller.connection]?.firstOperation
        operations.insert(
            ParkedOperation(
                caller: caller, wait: wait, deadline: deadline, waitsAfterEOF: waitsAfterEOF, next: next))
        if let next { operations[next]?.previous = id }
        clients[caller.connection]?.firstOperation = id
        return .parked(id)
    }

    /// Ends a parked operation: takes it out of whatever it stands in, and has its client told `reply`.
    ///
    /// - Parameter arm: the arm of a select that was taken.
    private mutating func end(
        _ id: OperationID, _ reply: Reply?, arm: Int32? = nil, _ effects: inout [Effect]
    ) {
        guard let operation = operations.remove(id) else { return }
        let connection = operation.caller.connection
        if let next = operation.next { operations[next]?.previous = operation.previous }
        if let previous = operation.previous {
            operations[previous]?.next = operation.next
        } else {
            clients[connection]?.firstOperation = operation.next
        }
        if let deadline = operation.deadline { deadlines.cancel(deadline) }
        leave(operation.wait)
        if case .select(_, let key?) = operation.wait, let arm {
            clients[connection]?.fairness.remember(arm, of: key)
        }
        if let reply { effects.append(Effect(connection: connection, tag: operation.caller.tag, reply: reply)) }
    }

    /// Takes an operation out of every queue that it stands in still.
    private mutating func leave(_ wait: OperationWait) {
        switch wait {
        case .plain(let place): leave(place)
        case .select(let places, _): for place in places { leave(place) }
        }
    }

    private mutating func leave(_ place: QueuePlace) {
        switch place {
        case .sender(let channel, let ticket):
            _ = channel.engine.withdrawSender(ticket)
            channels.release(channel)
        case .receiver(let channel, let ticket):
            _ = channel.engine.withdrawReceiver(ticket)
            channels.release(channel)
        }
    }
}

extension Reply {
    /// The client has finished sending, so nobody may be there to read the outcome.
    static let withdrawnByEOF = Reply.cancelled("eof")
}
