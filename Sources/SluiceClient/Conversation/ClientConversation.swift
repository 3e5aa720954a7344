import DequeModule
import SluiceRuntime
import SluiceWire

/// The client's side of the conversation, without its sockets and its clock: operations and replies come in, bytes and
/// outcomes go out. It outlives the connections over which it is held.
struct ClientConversation {
    enum Phase {
        /// There is no connection.
        case offline
        /// The server has been asked who it is.
        case greeting
        /// The server has been told who is there.
        case proving
        case ready
        /// The client says good-bye: nothing new is asked for.
        case closing
        case ended(SluiceError)
    }

    /// What an untagged reply answers.
    enum Question {
        case greeting
        case proof
        /// Something whose answer nobody waits for.
        case aside
        case farewell
        case operation(Operation)

        var operation: Operation? {
            if case .operation(let operation) = self { operation } else { nil }
        }
    }

    /// How long after a lost connection an id still makes a repeated send safe: less than the 120 s for which the server
    /// remembers it.
    static let identityLifetime = Duration.seconds(100)

    let credentials: Credentials?
    var phase = Phase.offline
    /// The number of the connection, from 1.
    var connection = 0
    var greeting: ServerGreeting?
    var output: [UInt8] = []
    var isFlushRequested = false
    var table = TagTable()
    var questions = Deque<Question>()
    var memory: ConnectionMemory
    /// Whether the server of this connection has forgotten what it was told over the one before.
    var remake = false
    /// When the server was last heard of, by the clock of the reactor.
    var lastHeard: UInt64 = 0
    private var lastSerial: UInt64 = 0

    var instant = OperationQueue()
    var taking = OperationQueue()
    var sending = OperationQueue()
    /// How many tasks were told of their operations together, and have asked for nothing since: they are likely to, and
    /// then one write for all of them is much cheaper than one for each.
    private(set) var returning = 0
    /// How many operations are in the output.
    private var fresh = 0

    /// How many of the tags in use are for receives and the like.
    var takingTags = 0

    init(label: ChannelName? = nil, credentials: Credentials? = nil) {
        self.credentials = credentials
        memory = ConnectionMemory(label: label)
    }

    // MARK: Asking

    /// Takes on an operation.
    mutating func submit(_ operation: Operation, now: () -> UInt64) -> ConversationActions {
        var actions = ConversationActions()
        if operation.isCancelled {
            actions.fail(operation, .operationCancelled)
            return actions
        }
        switch phase {
        case .ready: break
        case .offline, .greeting, .proving:
            if operation.command.timeout == .zero {
                actions.fail(operation, SluiceError(.disconnected, "there is no connection at the moment"))
                return actions
            }
        case .closing:
            actions.fail(operation, .clientClosed)
            return actions
        case .ended(let error):
            actions.fail(operation, error)
            return actions
        }
        if let wanted = operation.connection, wanted != connection || !isReady {
            actions.fail(operation, .goneWithConnection)
            return actions
        }
        lastSerial += 1
        operation.serial = lastSerial
        fresh += 1
        if returning > 0 { returning -= 1 }
        if let timeout = operation.command.timeout, timeout > .zero {
            operation.deadline = now() &+ timeout.wholeNanoseconds
        }
        if isReady, mayAsk(operation) {
            ask(operation, &actions, now: now)
        } else {
            enqueue(operation)
            actions.needsAlarm = operation.deadline != nil
        }
        if fresh >= 3 * returning { requestFlush(&actions) }
        return actions
    }

    /// Tasks that were told of their operations together may ask for others soon.
    mutating func expect(_ count: Int) {
        if count >= Self.smallestCrowd { returning += count }
    }

    /// Those who have not come yet are not waited for any longer.
    mutating func expectNobody() -> ConversationActions {
        var actions = ConversationActions()
        returning = 0
        requestFlush(&actions)
        return actions
    }

    private static let smallestCrowd = 4

    /// Withdraws an operation. What the server has of it gets its final reply all the same, and that counts.
    mutating func cancel(_ operation: Operation) -> ConversationActions {
        var actions = ConversationActions()
        guard !operation.isCancelled else { return actions }
        operation.isCancelled = true
        switch operation.stage {
        case .queued:
            forget(operation)
            actions.fail(operation, operation.inDoubtSince == nil ? .operationCancelled : .lostInDoubt)
        case .pending(let slot):
            withdraw(slot)
            requestFlush(&actions)
        case .new, .asked, .ended: break
        }
        return actions
    }

    var isReady: Bool {
        if case .ready = phase { true } else { false }
    }

    /// Whether there is a tag for the operation, and nobody waits for one before it.
    private func mayAsk(_ operation: Operation) -> Bool {
        switch operation.lane {
        case nil: instant.isEmpty
        case .taking: taking.isEmpty && hasTag(.taking)
        case .sending: sending.isEmpty && hasTag(.sending)
        }
    }

    /// A quarter of the tags is kept for each of the two kinds.
    private func hasTag(_ lane: Lane) -> Bool {
        let all = greeting?.maxPendingOperations ?? 0
        guard table.count < all else { return false }
        let used = lane == .taking ? takingTags : table.count - takingTags
        return used < all - max(all / 4, 1)
    }

    private mutating func enqueue(_ operation: Operation) {
        operation.stage = .queued
        operation.wasDelayed = true
        switch operation.lane {
        case nil: instant.append(operation)
        case .taking: taking.append(operation)
        case .sending: sending.append(operation)
        }
    }

    /// A queued operation has ended where it stands.
    mutating func forget(_ operation: Operation) {
        switch operation.lane {
        case nil: instant.noteEnded()
        case .taking: taking.noteEnded()
        case .sending: sending.noteEnded()
        }
    }

    /// Asks the server for it.
    private mutating func ask(_ operation: Operation, _ actions: inout ConversationActions, now: () -> UInt64) {
        if let since = operation.inDoubtSince, now() &- since > Self.identityLifetime.wholeNanoseconds {
            return actions.fail(operation, .lostInDoubt)
        }
        // Past a bound of its own the server would break the connection off, and this would be asked for again and again.
        if let most = greeting?.maxMessageBytes, operation.bodyBytes > most {
            return actions.fail(operation, SluiceError(.tooBig, "the server takes \(most) bytes at most"))
        }
        pinEpoch(operation)
        var command = operation.command
        if operation.wasDelayed, let deadline = operation.deadline {
            let now = now()
            guard deadline > now else { return actions.fail(operation, Self.expiry(of: operation)) }
            command.timeout = .nanoseconds(Int64(clamping: deadline - now))
        }
        guard let lane = operation.lane else {
            operation.stage = .asked
            questions.append(.operation(operation))
            return Request(command: command).append(to: &output)
        }
        guard let slot = table.insert(operation) else {
            return actions.fail(operation, SluiceError(.limit, "there is no tag left"))
        }
        if lane == .taking { takingTags += 1 }
        operation.stage = .pending(slot)
        Request(tag: table.tag(slot), command: command).append(to: &output)
    }

    /// The server compares the epoch of a send's first attempt with its own.
    private func pinEpoch(_ operation: Operation) {
        guard operation.hasIdentity, case .send(var command) = operation.command, command.identity?.epoch == nil else {
            return
        }
        command.identity?.epoch = greeting?.epoch
        operation.command = .send(command)
    }

    /// Asks for what has waited, as far as there are tags.
    mutating func askWaiting(_ actions: inout ConversationActions, now: () -> UInt64) {
        guard isReady else { return }
        while let operation = instant.popFirst() { ask(operation, &actions, now: now) }
        while !sending.isEmpty, hasTag(.sending), let operation = sending.popFirst() {
            ask(operation, &actions, now: now)
        }
        while !taking.isEmpty, hasTag(.taking), let operation = taking.popFirst() {
            ask(operation, &actions, now: now)
        }
    }

    mutating func withdraw(_ slot: Int) {
        aside(.cancel(table.tag(slot)))
    }

    /// Asks for something whose answer nobody waits for.
    mutating func aside(_ command: Command) {
        questions.append(.aside)
        Request(command: command).append(to: &output)
    }

    // MARK: Output

    mutating func requestFlush(_ actions: inout ConversationActions) {
        guard !output.isEmpty, !isFlushRequested else { return }
        isFlushRequested = true
        actions.needsFlush = true
    }

    /// Takes what is to be written.
    mutating func takeOutput() -> [UInt8] {
        isFlushRequested = false
        fresh = 0
        var taken: [UInt8] = []
        swap(&taken, &output)
        return taken
    }

    // MARK: Deadlines

    /// The earliest deadline of what waits in the client.
    var nextDeadline: UInt64? {
        [taking, sending].flatMap(\.waiting).compactMap(\.deadline).min()
    }

    /// Ends what has waited in the client for too long.
    mutating func expire(now: UInt64) -> ConversationActions {
        var actions = ConversationActions()
        for operation in taking.waiting + sending.waiting {
            guard let deadline = operation.deadline, deadline <= now else { continue }
            forget(operation)
            actions.fail(operation, Self.expiry(of: operation))
        }
        return actions
    }

    private static func expiry(of operation: Operation) -> SluiceError {
        operation.inDoubtSince == nil
            ? SluiceError(.timedOut, "the time ran out before the server could be asked") : .lostInDoubt
    }
}
