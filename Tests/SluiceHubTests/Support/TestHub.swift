import SeededRandom
import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// The protocol's tag, not the testing library's.
typealias Tag = SluiceWire.Tag

/// A hub's state machine with a clock that the test controls, and a short call for each command.
struct TestHub: ~Copyable {
    var machine: HubStateMachine

    init(seed: UInt64 = 1, limits: HubLimits = HubLimits(), epoch: Int = 42) {
        machine = HubStateMachine(limits: limits, epoch: epoch, generator: SeededGenerator(seed: seed))
        machine.now = 1
    }

    /// - Parameter network: the number of the address from which the client comes.
    mutating func connect(from network: UInt32 = 1) -> ConnectionID {
        machine.connect(
            from: "127.0.0.\(network):\(machine.connectionCount + 1)", origin: .ipv4(0x7F00_0000 + network))
    }
    mutating func disconnect(_ connection: ConnectionID, isOrderly: Bool = false) {
        machine.disconnect(connection, isOrderly: isOrderly)
    }

    /// Returns the outcome, with every reply as `done`, including `OK`, and without the fence of a lease.
    mutating func apply(_ operation: Command, by connection: ConnectionID, tag: String? = nil) -> Outcome {
        let outcome = machine.apply(operation, by: Caller(connection: connection, tag: tag.flatMap { Tag($0) }))
        return outcome.reply.map { .done($0.withoutFence) } ?? outcome
    }

    mutating func send(
        _ text: String, on name: String, by connection: ConnectionID, tag: String? = nil, timeout: Duration? = nil,
        id: String? = nil, epoch: Int? = nil, until: SendGoal? = nil, need: Int? = nil, delay: Duration? = nil,
        trace: String? = nil, waitsAfterEOF: Bool = false
    ) throws -> Outcome {
        let command = SendCommand(
            channel: try channel(name), body: Body(text.utf8), timeout: timeout,
            identity: try id.map { SendIdentity(try #require(MessageID($0)), epoch: epoch) }, until: until,
            minimumReceivers: need, delay: delay, trace: trace.flatMap { TraceContext($0) },
            waitsAfterEOF: waitsAfterEOF)
        return apply(.send(command), by: connection, tag: tag)
    }

    mutating func call(
        _ text: String, on name: String, by connection: ConnectionID, tag: String? = nil, timeout: Duration? = nil,
        id: String? = nil, epoch: Int? = nil, waitsAfterEOF: Bool = false
    ) throws -> Outcome {
        let command = SendCommand(
            channel: try channel(name), body: Body(text.utf8), timeout: timeout,
            identity: try id.map { SendIdentity(try #require(MessageID($0)), epoch: epoch) }, wantsAnswer: true,
            waitsAfterEOF: waitsAfterEOF)
        return apply(.send(command), by: connection, tag: tag)
    }

    mutating func receive(
        from name: String, by connection: ConnectionID, tag: String? = nil, timeout: Duration? = nil,
        lease: Duration? = nil, waitsAfterEOF: Bool = false
    ) throws -> Outcome {
        let command = ReceiveCommand(
            channel: try channel(name), timeout: timeout, lease: lease, waitsAfterEOF: waitsAfterEOF)
        return apply(.receive(command), by: connection, tag: tag)
    }

    /// Begins a counted receive.
    ///
    /// - Parameter count: nil for an endless one.
    mutating func stream(
        _ count: Int? = nil, from name: String, by connection: ConnectionID, tag: String, timeout: Duration? = nil,
        lease: Duration? = nil, window: Int? = nil, waitsAfterEOF: Bool = false
    ) throws -> Outcome {
        let command = ReceiveCommand(
            channel: try channel(name), timeout: timeout, lease: lease, count: count.map { .exactly($0) } ?? .endless,
            window: window, waitsAfterEOF: waitsAfterEOF)
        return apply(.receive(command), by: connection, tag: tag)
    }

    /// - Parameter arms: the arms as on the wire: "recv a", "recv lease=1s a", "send b text", "send id=x b text",
    ///   "barrier parties=2 c", and a last "else".
    mutating func select(
        _ arms: String..., by connection: ConnectionID, tag: String? = nil, order: SelectCommand.Order = .fair,
        timeout: Duration? = nil, waitsAfterEOF: Bool = false
    ) throws -> Outcome {
        try select(arms, by: connection, tag: tag, order: order, timeout: timeout, waitsAfterEOF: waitsAfterEOF)
    }

    mutating func select(
        _ arms: [String], by connection: ConnectionID, tag: String? = nil, order: SelectCommand.Order = .fair,
        timeout: Duration? = nil, waitsAfterEOF: Bool = false
    ) throws -> Outcome {
        let parsed = try arms.filter { $0 != "else" }.map(arm)
        let command = SelectCommand(
            arms: parsed, hasElse: arms.last == "else", order: order, timeout: timeout, waitsAfterEOF: waitsAfterEOF)
        return apply(.select(command), by: connection, tag: tag)
    }

    mutating func barrier(
        _ name: String, _ parties: Int, by connection: ConnectionID, tag: String? = nil, timeout: Duration? = nil
    ) throws -> Outcome {
        apply(
            .barrier(BarrierCommand(try channel(name), parties: parties, timeout: timeout)), by: connection, tag: tag)
    }

    mutating func ack(
        _ delivery: DeliveryID, by connection: ConnectionID, answer: String? = nil, repliesOnlyToFailure: Bool = false
    ) -> Outcome {
        let command = AcknowledgeCommand(
            delivery, answer: answer.map { .owned(Body($0.utf8)) }, repliesOnlyToFailure: repliesOnlyToFailure)
        return apply(.acknowledge(command), by: connection)
    }

    mutating func nack(_ delivery: DeliveryID, by connection: ConnectionID, delay: Duration? = nil) -> Outcome {
        apply(.nack(NackCommand(delivery, delay: delay)), by: connection)
    }

    mutating func reject(_ delivery: DeliveryID, _ reason: String? = nil, by connection: ConnectionID) -> Outcome {
        apply(.reject(RejectCommand(delivery, reason: reason)), by: connection)
    }

    mutating func touch(_ delivery: DeliveryID, by connection: ConnectionID) -> Outcome {
        apply(.touch(delivery), by: connection)
    }

    mutating func open(
        _ name: String, _ declaration: ChannelDeclaration = .rendezvous, maxAttempts: Int? = nil, dead: String? = nil,
        retry: Duration? = nil, by connection: ConnectionID
    ) throws -> Outcome {
        let policy = FailurePolicy(
            maxAttempts: maxAttempts, deadChannel: try dead.map { try channel($0) }, retryDelay: retry)
        return apply(.open(OpenCommand(try channel(name), declaration, policy)), by: connection)
    }

    mutating func redrive(_ name: String, count: Int? = nil, by connection: ConnectionID, tag: String? = nil) throws
        -> Outcome
    {
        apply(.redrive(RedriveCommand(try channel(name), count: count)), by: connection, tag: tag)
    }

    mutating func close(_ name: String, by connection: ConnectionID) throws -> Outcome {
        apply(.close(try channel(name)), by: connection)
    }

    mutating func poison(_ name: String, _ reason: String? = nil, by connection: ConnectionID) throws -> Outcome {
        apply(.poison(try channel(name), reason), by: connection)
    }

    mutating func join(
        _ side: ChannelEnd.Side, of name: String, by connection: ConnectionID, onDeath: DeathPolicy? = nil
    ) throws -> Outcome {
        apply(.join(JoinCommand(ChannelEnd(side, of: try channel(name)), onDeath: onDeath)), by: connection)
    }

    mutating func leave(_ side: ChannelEnd.Side, of name: String, by connection: ConnectionID) throws -> Outcome {
        apply(.leave(ChannelEnd(side, of: try channel(name))), by: connection)
    }

    mutating func trace(_ prefix: String? = nil, by connection: ConnectionID, tag: String) throws -> Outcome {
        apply(.trace(TraceCommand(prefix: try prefix.map(channel))), by: connection, tag: tag)
    }

    mutating func cancel(_ id: OperationID) { machine.cancel(id) }
    mutating func endInput(of connection: ConnectionID) { machine.endInput(of: connection) }

    mutating func pass(_ duration: Duration) {
        machine.now += duration.wholeNanoseconds
        machine.expire()
    }

    /// Returns and forgets the replies to parked operations since the last call.
    mutating func takeLateReplies() -> [LateReply] {
        defer { machine.outbox.effects = [] }
        return machine.outbox.effects.map(LateReply.init)
    }

    /// Returns the leases of the messages among those replies.
    mutating func takeDeliveries() -> [DeliveryID] { takeLateReplies().compactMap(\.delivery) }

    /// Checks that the machine keeps nothing.
    func expectEmpty() {
        #expect(machine.parkedCount == 0)
        #expect(machine.channels.count == 0)
        #expect(machine.nextDeadline == .max)
        #expect(machine.leases.count == 0)
        #expect(machine.totals.keptMessages == 0)
        #expect(machine.totals.keptBytes == 0)
        #expect(machine.barriers.isEmpty)
        #expect(machine.account.used == machine.ownBytes, "only the connections themselves are charged")
    }
}

private func arm(_ text: String) throws -> Arm {
    var words = text.split(separator: " ").map(String.init)
    let kind = words.removeFirst()
    var options: [String: String] = [:]
    while let option = words.first, let equals = option.firstIndex(of: "=") {
        options[String(option[..<equals])] = String(option[option.index(after: equals)...])
        words.removeFirst()
    }
    let name = try channel(words.removeFirst())
    switch kind {
    case "recv": return .receive(name, lease: options["lease"].flatMap { Int($0.dropLast()) }.map { .seconds($0) })
    case "send":
        return .send(
            name, Body(words.joined(separator: " ").utf8), id: options["id"].flatMap { MessageID($0) },
            trace: options["trace"].flatMap { TraceContext($0) })
    default: return .barrier(name, parties: options["parties"].flatMap { Int($0) })
    }
}

/// Returns the default limits with some changes.
func limits(_ change: (inout HubLimits) -> Void) -> HubLimits {
    var limits = HubLimits()
    change(&limits)
    return limits
}

extension ChannelDeclaration {
    static func buffer(_ capacity: Int, _ overflow: Overflow = .block) -> ChannelDeclaration {
        .queue(capacity: capacity, overflow: overflow)
    }
}

/// Returns the channel name that a test spells; an invalid name fails the test.
func channel(_ text: String) throws -> ChannelName { try #require(ChannelName(text)) }

extension Reply {
    /// The reply with a message, for a plain receive or for a select's arm.
    static func message(_ text: String, from name: String, arm: Int? = nil) throws -> Reply {
        .message(try channel(name), Body(text.utf8), arm.map { [Attribute(.arm, $0)] } ?? [])
    }

    /// The reply with a leased message.
    static func message(
        _ text: String, from name: String, _ delivery: DeliveryID?, attempt: Int = 1, arm: Int? = nil
    ) throws -> Reply {
        let terms = [Attribute(.delivery, try #require(delivery)), Attribute(.attempt, attempt)]
        let attributes = Attributes(terms + (arm.map { [Attribute(.arm, $0)] } ?? []))
        return .message(try channel(name), Body(text.utf8), attributes)
    }

    /// The lease of a message.
    var delivery: DeliveryID? {
        guard case .message(_, _, let attributes) = self else { return nil }
        return attributes.first { $0.key == .delivery }.flatMap { DeliveryID($0.value) }
    }

    /// The code of an error.
    var refusal: WireError.Code? {
        if case .error(let error) = self { error.code } else { nil }
    }

    static let ok = Reply.ok([])
    /// The answer to a call.
    static func answer(_ text: String, isDuplicate: Bool = false) -> Reply {
        .data(Body(text.utf8), isDuplicate ? [Attribute(.duplicate, flag: true)] : [])
    }
    static let unwanted = Reply.unwantedAnswer
    static let duplicate = Reply.ok([Attribute(.duplicate, flag: true)])
    static let dropped = Reply.ok([Attribute(.dropped, flag: true)])
    static func ok(receivers: Int) -> Reply { .ok([Attribute(.receivers, receivers)]) }
    static func closed(_ name: String, because reason: String? = nil) throws -> Reply {
        .closed(try channel(name), reason)
    }
    static func poisoned(_ name: String, because reason: String? = nil) throws -> Reply {
        .poisoned(try channel(name), reason)
    }

    static func ok(arm: Int) -> Reply { .ok([Attribute(.arm, arm)]) }
    static func otherwise(arm: Int) -> Reply { .otherwise([Attribute(.arm, arm)]) }
}

extension Reply {
    /// The reply without the fence of its lease.
    var withoutFence: Reply {
        guard case .message(let channel, let body, var attributes) = self else { return self }
        attributes.fence = 0
        return .message(channel, body, attributes)
    }

    static func rejected(_ name: String, because reason: String? = nil, arm: Int32? = nil) throws -> Reply {
        .rejected(try channel(name), reason, arm: arm)
    }
}

extension Outcome {
    /// The parked operation, if it is parked.
    var parked: OperationID? {
        if case .parked(let id) = self { id } else { nil }
    }

    var isParked: Bool { parked != nil }

    /// The lease of the message in the reply.
    var delivery: DeliveryID? {
        if case .done(let reply) = self { reply.delivery } else { nil }
    }

    /// The code of the error in the reply.
    var refusal: WireError.Code? {
        if case .done(let reply) = self { reply.refusal } else { nil }
    }
}

/// A reply to a parked operation, in a form that is easy to compare.
struct LateReply: Hashable {
    let connection: ConnectionID
    let tag: Tag?
    let content: Effect.Content

    init(_ effect: Effect) {
        connection = effect.connection
        tag = effect.tag
        content =
            switch effect.content {
            case .final(let reply): .final(reply.withoutFence)
            case .partial(let reply): .partial(reply.withoutFence)
            case .handoff, .released: effect.content
            }
    }

    var reply: Reply? {
        switch content {
        case .final(let reply), .partial(let reply): reply
        case .handoff, .released: nil
        }
    }

    var delivery: DeliveryID? { reply?.delivery }
    var refusal: WireError.Code? { reply?.refusal }

    /// The final reply to an untagged operation.
    init(_ connection: ConnectionID, _ reply: Reply) {
        self.connection = connection
        tag = nil
        content = .final(reply)
    }

    /// The final reply to a tagged operation, or a message of a counted receive.
    init(_ connection: ConnectionID, _ tag: String, _ reply: Reply, isFinal: Bool = true) {
        self.connection = connection
        self.tag = Tag(tag)
        content = isFinal ? .final(reply) : .partial(reply)
    }
}

extension HubStateMachine {
    /// The charge for the records of the connections that have not ended.
    var ownBytes: Int {
        var bytes = 0
        clients.forEach { bytes += Int($1.ownBytes) + $1.usage.bytes }
        return bytes
    }
}
