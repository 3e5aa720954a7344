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
    var nowNanoseconds: UInt64 = 1
    private var effects: [Effect] = []

    init(seed: UInt64 = 1) {
        machine = HubStateMachine(generator: SeededGenerator(seed: seed))
    }

    mutating func connect() -> ConnectionID { machine.connect() }

    mutating func apply(_ operation: HubOperation, by connection: ConnectionID, tag: String? = nil) -> Outcome {
        let caller = Caller(connection: connection, tag: tag.flatMap { Tag($0) })
        return machine.apply(operation, by: caller, at: nowNanoseconds, &effects)
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

    mutating func cancel(_ id: OperationID) { machine.cancel(id, &effects) }
    mutating func endInput(of connection: ConnectionID) { machine.endInput(of: connection, &effects) }

    mutating func pass(_ duration: Duration) {
        nowNanoseconds += duration.wholeNanoseconds
        machine.expire(at: nowNanoseconds, &effects)
    }

    /// What the parked operations were told since the last time.
    mutating func news() -> [Effect] {
        defer { effects = [] }
        return effects
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

extension Effect {
    init(_ connection: ConnectionID, _ reply: Reply) {
        self.init(connection: connection, tag: nil, reply: reply)
    }

    init(_ connection: ConnectionID, _ tag: String, _ reply: Reply) {
        self.init(connection: connection, tag: Tag(tag), reply: reply)
    }
}
