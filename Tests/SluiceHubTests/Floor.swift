import SeededRandom
import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Here a tag is the protocol's, not the testing library's.
typealias Tag = SluiceWire.Tag
/// Here the order is that of a remote select.
typealias SelectOrder = SluiceWire.SelectOrder

/// A trading floor: a state machine with its clock, and a short way to say who does what.
struct Floor: ~Copyable {
    var machine: HubStateMachine

    init(seed: UInt64 = 1, limits: HubLimits = HubLimits(), epoch: Int = 42) {
        machine = HubStateMachine(limits: limits, epoch: epoch, generator: SeededGenerator(seed: seed))
        machine.now = 1
    }

    mutating func connect() -> ConnectionID { machine.connect(from: "127.0.0.1:\(machine.connectionCount + 1)") }
    mutating func disconnect(_ connection: ConnectionID, isOrderly: Bool = false) {
        machine.disconnect(connection, isOrderly: isOrderly)
    }

    mutating func apply(_ operation: HubOperation, by connection: ConnectionID, tag: String? = nil) -> Outcome {
        machine.apply(operation, by: Caller(connection: connection, tag: tag.flatMap { Tag($0) }))
    }

    mutating func send(
        _ text: String, on name: String, by connection: ConnectionID, tag: String? = nil, timeout: Duration? = nil,
        waitsAfterEOF: Bool = false
    ) throws -> Outcome {
        let command = SendCommand(
            channel: try channel(name), body: Body(text.utf8), timeout: timeout, waitsAfterEOF: waitsAfterEOF)
        return apply(.send(command), by: connection, tag: tag)
    }

    mutating func receive(
        from name: String, by connection: ConnectionID, tag: String? = nil, timeout: Duration? = nil,
        waitsAfterEOF: Bool = false
    ) throws -> Outcome {
        let command = ReceiveCommand(channel: try channel(name), timeout: timeout, waitsAfterEOF: waitsAfterEOF)
        return apply(.receive(command), by: connection, tag: tag)
    }

    /// - Parameter arms: as on the wire: "recv a", "send b text", and a last "else".
    mutating func select(
        _ arms: String..., by connection: ConnectionID, tag: String? = nil, order: SelectOrder = .fair,
        timeout: Duration? = nil
    ) throws -> Outcome {
        let parsed = try arms.filter { $0 != "else" }.map(arm)
        let command = SelectCommand(
            arms: parsed, hasElse: arms.last == "else", order: order, timeout: timeout)
        return apply(.select(command), by: connection, tag: tag)
    }

    mutating func cancel(_ id: OperationID) { machine.cancel(id) }
    mutating func endInput(of connection: ConnectionID) { machine.endInput(of: connection) }

    mutating func pass(_ duration: Duration) {
        machine.now += duration.wholeNanoseconds
        machine.expire()
    }

    /// What the parked operations were told since the last time.
    mutating func news() -> [News] {
        defer { machine.effects = [] }
        return machine.effects.map(News.init)
    }

    /// Checks that nothing is left of anybody.
    func expectEmpty() {
        #expect(machine.parkedCount == 0)
        #expect(machine.channels.count == 0)
        #expect(machine.nextDeadline == nil)
    }
}

private func arm(_ text: String) throws -> Arm {
    let words = text.split(separator: " ", maxSplits: 2).map(String.init)
    let name = try channel(words[1])
    return words[0] == "recv" ? .receive(name) : .send(name, Body((words.count > 2 ? words[2] : "").utf8))
}

/// The name that the test spells; a test with a bad one ends here.
func channel(_ text: String) throws -> ChannelName { try #require(ChannelName(text)) }

extension Reply {
    /// The message of a channel, to a select's arm or to a plain receive.
    static func message(_ text: String, from name: String, arm: Int? = nil) throws -> Reply {
        .message(try channel(name), Body(text.utf8), arm.map { [Attribute(.arm, $0)] } ?? [])
    }

    static func ok(arm: Int) -> Reply { .ok([Attribute(.arm, arm)]) }
    static func otherwise(arm: Int) -> Reply { .otherwise([Attribute(.arm, arm)]) }
}

extension Outcome {
    /// The operation that is parked.
    var parked: OperationID? {
        if case .parked(let id) = self { id } else { nil }
    }

    var isParked: Bool { parked != nil }
}

/// What a parked operation was told, as tests compare it.
struct News: Hashable {
    let connection: ConnectionID
    let tag: Tag?
    let content: Effect.Content

    init(_ effect: Effect) {
        connection = effect.connection
        tag = effect.tag
        content = effect.content
    }

    /// The final reply to an untagged operation.
    init(_ connection: ConnectionID, _ reply: Reply) {
        self.connection = connection
        tag = nil
        content = .final(reply)
    }

    /// The final reply to a tagged operation, or a message of one that goes on.
    init(_ connection: ConnectionID, _ tag: String, _ reply: Reply, isFinal: Bool = true) {
        self.connection = connection
        self.tag = Tag(tag)
        content = isFinal ? .final(reply) : .partial(reply)
    }
}
