import DequeModule
import SluiceRuntime
import SluiceWire

/// The client's side of the protocol, without its sockets and its clock: operations and replies go in, bytes and
/// outcomes come out. It outlives its connections.
struct ClientConversation {
    enum Phase {
        /// There is no connection.
        case offline
        /// `HELLO` was sent.
        case greeting
        /// `AUTH` was sent or, without credentials, a `PING`, to learn whether the server requires them.
        case authenticating
        case ready
        /// `QUIT` was sent: the client asks for nothing new.
        case closing
        case ended(SluiceError)
    }

    /// What an untagged reply answers.
    enum Question {
        case greeting
        case credentials
        /// A command whose reply nothing waits for.
        case aside
        case farewell
        case operation(Operation)

        var operation: Operation? {
            if case .operation(let operation) = self { operation } else { nil }
        }
    }

    /// How long after the loss of a connection an id still makes a repeated send safe: less than the 120 s for which
    /// the server remembers it.
    static let identityLifetime = Duration.seconds(100)

    let credentials: Credentials?
    /// Whether another connection follows a lost one.
    let reconnects: Bool
    var phase = Phase.offline
    /// The number of the connection, from 1.
    var connection = 0
    var greeting: ServerGreeting?
    var output: [UInt8] = []
    var isFlushRequested = false
    var table = TagTable()
    /// What the untagged replies to come will answer, in order.
    var questions = Deque<Question>()
    var memory: ConnectionMemory
    /// Whether the server of this connection was restarted since the one before.
    var isNewServer = false
    /// Whether the server of this connection is about to stop, and accepts no new work.
    var isDraining = false
    /// When the server was last heard, by the clock of the reactor.
    var lastHeard: UInt64 = 0
    /// How often in a row the silent server was found to owe an answer.
    var silentChecks = 0
    private var lastSerial: UInt64 = 0

    var instant = OperationQueue()
    var taking = OperationQueue()
    var sending = OperationQueue()
    /// The tasks that were told of their operations together and have submitted nothing since. They are likely to, and
    /// one write for all of them is much cheaper than one for each.
    private(set) var returning = 0
    /// The operations in the output.
    private var fresh = 0

    /// The tags in use by operations that take.
    var takingTags = 0

    init(label: ChannelName? = nil, credentials: Credentials? = nil, reconnects: Bool = true) {
        self.credentials = credentials
        self.reconnects = reconnects
        memory = ConnectionMemory(label: label)
    }

    // MARK: Submitting

    /// Accepts an operation: asks the server, or queues it, or fails it.
    mutating func submit(_ operation: Operation, now: () -> UInt64) -> ConversationActions {
        var actions = ConversationActions()
        if operation.isCancelled {
            actions.fail(operation, .operationCancelled)
            return actions
        }
        switch phase {
        case .ready: break
        case .offline, .greeting, .authenticating:
            if operation.timeout == .zero {
                actions.fail(operation, SluiceError(.disconnected, "there is no connection at the moment"))
                return actions
            }
            if operation.command.recovery == .disconnected {
                forgetEnd(of: operation)
                actions.fail(
                    operation, SluiceError(.disconnected, "the operation belongs to a connection that was lost"))
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
        if let timeout = operation.timeout, timeout > .zero {
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

    /// Expects operations from tasks that were told of their operations together.
    mutating func expect(_ taskCount: Int) {
        if taskCount >= Self.smallestCrowd { returning += taskCount }
    }

    /// Stops waiting for the tasks that have submitted nothing yet.
    mutating func expectNobody() -> ConversationActions {
        var actions = ConversationActions()
        returning = 0
        requestFlush(&actions)
        return actions
    }

    private static let smallestCrowd = 4

    /// Withdraws an operation. One that the server has still gets its final reply, and that counts.
    mutating func cancel(_ operation: Operation) -> ConversationActions {
        var actions = ConversationActions()
        cancel(operation, &actions)
        return actions
    }

    /// Withdraws every operation of a pipeline.
    mutating func cancelAll(of pipeline: SendPipeline) -> ConversationActions {
        var actions = ConversationActions()
        for operation in table.all + sending.waiting where operation.pipeline === pipeline {
            cancel(operation, &actions)
        }
        return actions
    }

    private mutating func cancel(_ operation: Operation, _ actions: inout ConversationActions) {
        guard !operation.isCancelled else { return }
        operation.isCancelled = true
        switch operation.stage {
        case .queued:
            noteEnded(operation)
            actions.fail(operation, operation.inDoubtSince == nil ? .operationCancelled : .lostInDoubt())
        case .pending(let slot):
            withdraw(slot)
            requestFlush(&actions)
        case .new, .asked, .ended: break
        }
    }

    var isReady: Bool {
        if case .ready = phase { true } else { false }
    }

    /// Whether there is a tag for the operation, and no other operation waits for one before it. A server that is about to
    /// stop is asked only for what does not wait for the next one.
    private func mayAsk(_ operation: Operation) -> Bool {
        // What is queued then waits for the next connection.
        if isDraining { return !waitsForNextServer(operation) && (operation.lane.map(hasTag) ?? true) }
        return switch operation.lane {
        case nil: instant.isEmpty
        case .taking: taking.isEmpty && hasTag(.taking)
        case .sending: sending.isEmpty && hasTag(.sending)
        }
    }

    /// Each lane leaves a quarter of the tags to the other.
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

    /// Records that a queued operation has ended in its queue.
    mutating func noteEnded(_ operation: Operation) {
        switch operation.lane {
        case nil: instant.noteEnded()
        case .taking: taking.noteEnded()
        case .sending: sending.noteEnded()
        }
    }

    /// Asks the server for the operation.
    private mutating func ask(_ operation: Operation, _ actions: inout ConversationActions, now: () -> UInt64) {
        if let since = operation.inDoubtSince, now() &- since > Self.identityLifetime.wholeNanoseconds {
            return actions.fail(operation, .lostInDoubt())
        }
        // For a body above a bound of its own, the server would close each connection on which the client asks again.
        if let most = greeting?.maxMessageBytes, operation.bodyBytes > most {
            return actions.fail(
                operation,
                SluiceError(.tooBig, "the message has \(operation.bodyBytes) bytes; the server takes at most \(most)"))
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

    /// Asks for queued operations as long as there are tags.
    mutating func askWaiting(_ actions: inout ConversationActions, now: () -> UInt64) {
        guard isReady, !isDraining else { return }
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

    /// Sends a command whose reply nothing waits for.
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

    /// Takes the bytes to write.
    mutating func takeOutput() -> [UInt8] {
        isFlushRequested = false
        fresh = 0
        var taken: [UInt8] = []
        swap(&taken, &output)
        return taken
    }

    // MARK: Deadlines

    /// The earliest deadline of the operations that wait in the client.
    var nextDeadline: UInt64? {
        [taking, sending].flatMap(\.waiting).compactMap(\.deadline).min()
    }

    /// Ends the operations that have waited in the client past their deadline.
    mutating func expire(now: UInt64) -> ConversationActions {
        var actions = ConversationActions()
        for operation in taking.waiting + sending.waiting {
            guard let deadline = operation.deadline, deadline <= now else { continue }
            noteEnded(operation)
            actions.fail(operation, Self.expiry(of: operation))
        }
        return actions
    }

    private static func expiry(of operation: Operation) -> SluiceError {
        operation.inDoubtSince == nil
            ? SluiceError(.timedOut, "the time ran out before the server could be asked") : .lostInDoubt()
    }
}
