import DequeModule
import SluiceRuntime
import SluiceWire

/// How connections begin, what the server says, and how connections end.
extension ClientConversation {
    // MARK: Beginning

    /// Begins a connection.
    mutating func connected(now: UInt64) -> ConversationActions {
        var actions = ConversationActions()
        connection += 1
        lastHeard = now
        silentChecks = 0
        isDraining = false
        phase = .greeting
        questions.append(.greeting)
        Request(command: .hello()).append(to: &output)
        if credentials == nil {
            // In the same write: a server with users refuses it, and every other one is ready.
            questions.append(.credentials)
            Request(command: .ping([])).append(to: &output)
        }
        requestFlush(&actions)
        return actions
    }

    private mutating func hearGreeting(_ reply: Reply, _ actions: inout ConversationActions, now: () -> UInt64) {
        do throws(SluiceError) {
            let new = try ServerGreeting(reply)
            isNewServer = greeting != nil && greeting?.epoch != new.epoch
            greeting = new
        } catch {
            // A server that has no room now may have room later.
            actions.change = error.code == .misuse ? .rejected(error) : .broken(error)
            return
        }
        phase = .authenticating
        guard let credentials else { return }
        questions.append(.credentials)
        Request(command: .authenticate(credentials)).append(to: &output)
    }

    private mutating func hearAuthentication(_ reply: Reply, _ actions: inout ConversationActions, now: () -> UInt64) {
        guard case .ok = reply else {
            let error = reply.error()
            switch (credentials, error.code) {
            case (nil, .denied), (nil, .authRequired): actions.change = .rejected(.credentialsRequired)
            case (nil, .limit): actions.change = .broken(error)
            default: actions.change = .rejected(error)
            }
            return
        }
        becomeReady(&actions, now: now)
    }

    private mutating func becomeReady(_ actions: inout ConversationActions, now: () -> UInt64) {
        guard let greeting else { return }
        phase = .ready
        // An earlier server refuses the option.
        let understood = greeting.features.intersection([.receivers, .rejected, .kept])
        if !understood.isEmpty { aside(.hello(understanding: understood)) }
        for command in memory.commands(isNewServer: isNewServer) { aside(command) }
        actions.change = .ready(greeting)
        askWaiting(&actions, now: now)
    }

    // MARK: Hearing

    /// Takes replies of the server.
    mutating func heard(_ replies: [(tag: Tag?, reply: Reply)], now: () -> UInt64) -> ConversationActions {
        var actions = ConversationActions()
        lastHeard = now()
        silentChecks = 0
        actions.events.reserveCapacity(replies.count)
        for (tag, reply) in replies {
            if let tag { hearTagged(tag, reply, &actions) } else { hearUntagged(reply, &actions, now: now) }
        }
        askWaiting(&actions, now: now)
        requestFlush(&actions)
        expect(actions.events.count { !$0.operation.hasHandler })
        return actions
    }

    private mutating func hearTagged(_ tag: Tag, _ reply: Reply, _ actions: inout ConversationActions) {
        guard let (slot, operation) = table.find(tag) else {
            actions.change = .broken(SluiceError(.misuse, "the server has answered tag #\(tag), which is not pending"))
            return
        }
        if operation.hasParts, reply.isPart {
            operation.parts += 1
            return actions.events.append((operation, .part(reply, connection: connection)))
        }
        table.remove(slot)
        if operation.lane == .taking { takingTags -= 1 }
        finish(operation, reply, &actions)
    }

    private mutating func hearUntagged(_ reply: Reply, _ actions: inout ConversationActions, now: () -> UInt64) {
        switch questions.popFirst() {
        case .greeting: hearGreeting(reply, &actions, now: now)
        case .credentials: hearAuthentication(reply, &actions, now: now)
        case .aside: break
        case .farewell: actions.change = .farewell
        case .operation(let operation): finish(operation, reply, &actions)
        case nil:
            // The server has its first users since this client was accepted.
            let error = reply.error()
            actions.change = error.code == .authRequired ? .rejected(.credentialsRequired) : .broken(error)
        }
    }

    private mutating func finish(_ operation: Operation, _ reply: Reply, _ actions: inout ConversationActions) {
        if keepForNextServer(operation, reply, &actions) { return }
        switch reply {
        case .ok: if operation.lane == nil { memory.note(operation.command) }
        case .error(let error) where error.code == .authRequired: actions.change = .rejected(.credentialsRequired)
        case .message, .data, .timeout, .timeoutWithoutReceivers, .closed, .poisoned, .rejected, .cancelled, .maybe,
            .otherwise, .end, .error:
            break
        }
        actions.end(operation, .reply(reply, connection: connection))
    }

    /// How often `checkLife` is called in the time that the server has for an answer.
    static let checksForAnswer = 4

    /// Sends a `PING` when the server has been silent for `keepAlive`, or has not answered an operation in its time.
    ///
    /// Called at regular intervals. It counts the calls rather than the time, because this process may itself have been
    /// stopped meanwhile, and have replies to read.
    ///
    /// - Returns: false when the server has been silent for too long while it owes an answer.
    mutating func checkLife(keepAlive: Duration?, now: UInt64) -> (isAlive: Bool, actions: ConversationActions) {
        var actions = ConversationActions()
        switch phase {
        case .offline, .greeting, .authenticating, .ended: return (true, actions)
        case .ready, .closing: break
        }
        if isReady, questions.isEmpty, hasBeenSilent(for: keepAlive, now) || isOverdue(now) {
            aside(.ping([]))
            requestFlush(&actions)
        }
        silentChecks = questions.isEmpty ? 0 : silentChecks + 1
        return (silentChecks <= Self.checksForAnswer, actions)
    }

    private func hasBeenSilent(for time: Duration?, _ now: UInt64) -> Bool {
        time.map { now &- lastHeard >= $0.wholeNanoseconds } ?? false
    }

    /// Whether the server has not ended an operation in its time. A message that a receiver holds is a good reason.
    private func isOverdue(_ now: UInt64) -> Bool {
        table.contains { $0.timeout == .zero || $0.deadline.map { $0 < now } ?? false }
    }

    // MARK: Ending

    /// Ends a connection that is gone.
    ///
    /// - Parameters:
    ///   - cause: why it is gone.
    ///   - isFinal: whether there will be no other connection.
    mutating func lost(_ cause: SluiceError, isFinal: Bool) -> ConversationActions {
        var actions = ConversationActions()
        let cause = isFinal ? cause.asEndOfOperations : cause
        let interrupted = table.removeAll() + questions.compactMap(\.operation)
        questions.removeAll()
        takingTags = 0
        output = []
        isFlushRequested = false
        phase = isFinal ? .ended(cause) : .offline
        var again: [Operation] = []
        for operation in interrupted where recovers(operation, cause, isFinal: isFinal, &actions) {
            again.append(operation)
        }
        for operation in again {
            operation.stage = .queued
            operation.wasDelayed = true
        }
        instant.insert(again.filter { $0.lane == nil })
        taking.insert(again.filter { $0.lane == .taking })
        sending.insert(again.filter { $0.lane == .sending })
        actions.needsAlarm = again.contains { $0.deadline != nil }
        if isFinal { failWaiting(with: cause, &actions) }
        return actions
    }

    /// Returns whether an interrupted operation is asked again; otherwise ends it.
    private mutating func recovers(
        _ operation: Operation, _ cause: SluiceError, isFinal: Bool, _ actions: inout ConversationActions
    ) -> Bool {
        switch operation.command.recovery {
        case .again where operation.timeout == .zero:
            actions.fail(operation, SluiceError(.disconnected, cause.message))
        case .again:
            if operation.isCancelled {
                actions.fail(operation, .operationCancelled)
            } else if !operation.continueCounting() {
                actions.end(operation, .reply(.end, connection: connection))
            } else {
                return true
            }
        case .withIdentity:
            if operation.inDoubtSince == nil { operation.inDoubtSince = lastHeard }
            if !operation.isCancelled, !isFinal, operation.timeout != .zero { return true }
            actions.fail(operation, .lostInDoubt(cause))
        case .inDoubt: actions.fail(operation, .lostInDoubt(cause))
        case .stale: actions.fail(operation, .goneWithConnection)
        case .disconnected:
            forgetEnd(of: operation)
            actions.fail(operation, SluiceError(.disconnected, cause.message))
        }
        return false
    }

    /// Ensures that the next connection does not join the end of a `LEAVE` again: the server has ended it with the connection.
    mutating func forgetEnd(of operation: Operation) {
        if case .leave = operation.command { memory.note(operation.command) }
    }

    private mutating func failWaiting(with error: SluiceError, _ actions: inout ConversationActions) {
        for operation in instant.removeAll() + taking.removeAll() + sending.removeAll() {
            actions.fail(operation, operation.inDoubtSince == nil ? error : .lostInDoubt(error))
        }
    }

    /// Withdraws everything and sends `QUIT`.
    mutating func close() -> ConversationActions {
        var actions = ConversationActions()
        switch phase {
        case .ready: break
        case .offline, .greeting, .authenticating:
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
}

extension Reply {
    /// Whether it comes before the final reply of a counted receive or a trace.
    fileprivate var isPart: Bool {
        switch self {
        case .message, .data: true
        case .ok, .timeout, .timeoutWithoutReceivers, .closed, .poisoned, .rejected, .cancelled, .maybe, .otherwise,
            .end, .error:
            false
        }
    }
}
