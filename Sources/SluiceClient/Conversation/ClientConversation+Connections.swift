import DequeModule
import SluiceRuntime
import SluiceWire

/// How connections begin, what the server says, and how connections end.
extension ClientConversation {
    // MARK: Beginning

    /// A connection is there.
    mutating func connected(now: UInt64) -> ConversationActions {
        var actions = ConversationActions()
        connection += 1
        lastHeard = now
        phase = .greeting
        questions.append(.greeting)
        Request(command: .hello).append(to: &output)
        requestFlush(&actions)
        return actions
    }

    private mutating func greeted(_ reply: Reply, _ actions: inout ConversationActions, now: () -> UInt64) {
        let isNewServer: Bool
        do throws(SluiceError) {
            let new = try ServerGreeting(reply)
            isNewServer = greeting != nil && greeting?.epoch != new.epoch
            greeting = new
        } catch {
            // A server that has no room now may have some later.
            actions.change = error.code == .misuse ? .rejected(error) : .broken(error)
            return
        }
        remake = isNewServer
        guard let credentials else { return letIn(&actions, now: now) }
        phase = .proving
        questions.append(.proof)
        Request(command: .authenticate(credentials)).append(to: &output)
    }

    private mutating func proved(_ reply: Reply, _ actions: inout ConversationActions, now: () -> UInt64) {
        guard case .ok = reply else {
            actions.change = .rejected(reply.error())
            return
        }
        letIn(&actions, now: now)
    }

    private mutating func letIn(_ actions: inout ConversationActions, now: () -> UInt64) {
        guard let greeting else { return }
        phase = .ready
        for command in memory.commands(isNewServer: remake) { aside(command) }
        actions.change = .ready(greeting)
        askWaiting(&actions, now: now)
    }

    // MARK: Hearing

    /// The server has said this.
    mutating func heard(_ replies: [(tag: Tag?, reply: Reply)], now: () -> UInt64) -> ConversationActions {
        var actions = ConversationActions()
        lastHeard = now()
        for (tag, reply) in replies {
            if let tag { hearTagged(tag, reply, &actions) } else { hearUntagged(reply, &actions, now: now) }
        }
        askWaiting(&actions, now: now)
        requestFlush(&actions)
        expect(actions.events.count)
        return actions
    }

    private mutating func hearTagged(_ tag: Tag, _ reply: Reply, _ actions: inout ConversationActions) {
        guard let (slot, operation) = table.find(tag) else {
            actions.change = .broken(SluiceError(.misuse, "the server answers what it was not asked"))
            return
        }
        if operation.command.isPart(reply) {
            return actions.events.append((operation, .part(reply, connection: connection)))
        }
        table.remove(slot)
        if operation.lane == .taking { takingTags -= 1 }
        finish(operation, reply, &actions)
    }

    private mutating func hearUntagged(_ reply: Reply, _ actions: inout ConversationActions, now: () -> UInt64) {
        switch questions.popFirst() {
        case .greeting: greeted(reply, &actions, now: now)
        case .proof: proved(reply, &actions, now: now)
        case .aside: break
        case .farewell: actions.change = .farewell
        case .operation(let operation): finish(operation, reply, &actions)
        case nil: actions.change = .broken(reply.error())
        }
    }

    private mutating func finish(_ operation: Operation, _ reply: Reply, _ actions: inout ConversationActions) {
        switch reply {
        case .ok: if operation.lane == nil { memory.note(operation.command) }
        case .error(let error) where error.code == .authRequired: actions.change = .rejected(reply.error())
        case .message, .data, .timeout, .closed, .poisoned, .cancelled, .maybe, .otherwise, .end, .error: break
        }
        actions.end(operation, .reply(reply, connection: connection))
    }

    /// Asks the server for a sign of life. False when one has been waited for since `patience` ago.
    mutating func checkLife(patience: Duration, now: UInt64) -> (isAlive: Bool, actions: ConversationActions) {
        var actions = ConversationActions()
        let silence = now &- lastHeard
        switch phase {
        case .offline, .ended: return (true, actions)
        case .greeting, .proving, .ready, .closing: break
        }
        guard silence < 2 * patience.wholeNanoseconds else { return (false, actions) }
        if silence >= patience.wholeNanoseconds, isReady {
            aside(.ping([]))
            requestFlush(&actions)
        }
        return (true, actions)
    }

    // MARK: Ending

    /// The connection is gone.
    ///
    /// - Parameter end: why there will be no other one; nil when there will.
    mutating func lost(end: SluiceError?) -> ConversationActions {
        var actions = ConversationActions()
        let interrupted = table.removeAll() + questions.compactMap(\.operation)
        questions.removeAll()
        takingTags = 0
        output = []
        isFlushRequested = false
        if let end { phase = .ended(end) } else { phase = .offline }
        var again: [Operation] = []
        for operation in interrupted where recovers(operation, end, &actions) { again.append(operation) }
        for operation in again {
            operation.stage = .queued
            operation.wasDelayed = true
        }
        instant.insert(again.filter { $0.lane == nil })
        taking.insert(again.filter { $0.lane == .taking })
        sending.insert(again.filter { $0.lane == .sending })
        actions.needsAlarm = again.contains { $0.deadline != nil }
        if let end { failWaiting(with: end, &actions) }
        return actions
    }

    /// Whether an interrupted operation is asked for again; otherwise it has ended.
    private func recovers(_ operation: Operation, _ end: SluiceError?, _ actions: inout ConversationActions) -> Bool {
        switch operation.command.recovery {
        case .again:
            if operation.isCancelled { actions.fail(operation, .operationCancelled) }
            return !operation.isCancelled
        case .withIdentity:
            if operation.inDoubtSince == nil { operation.inDoubtSince = lastHeard }
            if operation.isCancelled || end != nil { actions.fail(operation, .lostInDoubt) }
            return !operation.isCancelled && end == nil
        case .inDoubt: actions.fail(operation, .lostInDoubt)
        case .stale: actions.fail(operation, .goneWithConnection)
        case .disconnected: actions.fail(operation, .connectionLost)
        }
        return false
    }

    private mutating func failWaiting(with error: SluiceError, _ actions: inout ConversationActions) {
        for operation in instant.removeAll() + taking.removeAll() + sending.removeAll() {
            actions.fail(operation, operation.inDoubtSince == nil ? error : .lostInDoubt)
        }
    }

    /// Withdraws everything, and says good-bye.
    mutating func close() -> ConversationActions {
        var actions = ConversationActions()
        switch phase {
        case .ready: break
        case .offline, .greeting, .proving:
            phase = .closing
            failWaiting(with: .clientClosed, &actions)
            return actions
        case .closing, .ended: return actions
        }
        phase = .closing
        failWaiting(with: .clientClosed, &actions)
        for operation in table.all {
            guard !operation.isCancelled, case .pending(let slot) = operation.stage else { continue }
            operation.isCancelled = true
            withdraw(slot)
        }
        questions.append(.farewell)
        Request(command: .quit).append(to: &output)
        requestFlush(&actions)
        return actions
    }

    var isClosing: Bool {
        switch phase {
        case .closing, .ended: true
        case .offline, .greeting, .proving, .ready: false
        }
    }
}
