import SeededRandom
import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Random commands of principals whose permissions change at random.
@Suite(.bounded) struct RandomPermissionTests {
    private static let names = ["a", "ab", "b/a", "b/b", "c"]
    private static let prefixes = ["", "a", "b/", "b/b", "c"]

    private var generator: SeededGenerator

    init() { generator = SeededGenerator(seed: 1) }

    private mutating func permissions() -> Permissions {
        var permissions = Permissions()
        for commands in Permissions.CommandClass.allCases {
            for _ in 0..<Int.random(in: 0...2, using: &generator) {
                permissions.allow(commands, on: Self.prefixes.randomElement(using: &generator) ?? "")
            }
            if Int.random(in: 0..<4, using: &generator) == 0 {
                permissions.deny(commands, on: Self.prefixes.randomElement(using: &generator) ?? "")
            }
        }
        return permissions
    }

    private mutating func name() -> String { Self.names.randomElement(using: &generator) ?? "a" }

    private mutating func arm() throws -> Arm {
        let name = try channel(name())
        return switch Int.random(in: 0..<3, using: &generator) {
        case 0: .receive(name, lease: Bool.random(using: &generator) ? .seconds(60) : nil)
        case 1: .send(name, [1])
        default: .barrier(name, parties: 2)
        }
    }

    private mutating func command() throws -> Command {
        let name = try channel(name())
        switch Int.random(in: 0..<10, using: &generator) {
        case 0, 1: return .send(SendCommand(channel: name, body: [1]))
        case 2: return .receive(ReceiveCommand(channel: name))
        case 3: return .receive(ReceiveCommand(channel: name, lease: .seconds(60)))
        case 4: return .barrier(BarrierCommand(name, parties: 2))
        case 5, 6:
            let count = Int.random(in: 1...3, using: &generator)
            var arms: [Arm] = []
            for _ in 0..<count {
                let arm = try arm()
                if !arms.contains(where: { $0.name == arm.name }) { arms.append(arm) }
            }
            return .select(SelectCommand(arms: arms))
        case 7: return .join(JoinCommand(ChannelEnd(Bool.random(using: &generator) ? .send : .receive, of: name)))
        case 8: return .trace(TraceCommand(prefix: name))
        default: return .close(name)
        }
    }

    /// Whether the rules permit a command, found by a search through all of them.
    private func permits(_ permissions: Permissions, _ command: Command) -> Bool {
        func permits(_ commands: Permissions.CommandClass, _ name: ChannelName) -> Bool {
            let matches = { (rules: Set<Permissions.Rule>) in
                rules.contains { $0.commands == commands && name.description.hasPrefix($0.prefix) }
            }
            return matches(permissions.allowed) && !matches(permissions.denied)
        }
        switch command {
        case .send(let command): return permits(.send, command.channel)
        case .receive(let command): return permits(.receive, command.channel)
        case .barrier(let command): return permits(.barrier, command.name)
        case .join(let command): return permits(.join, command.end.channel)
        case .close(let name): return permits(.close, name)
        case .select(let command):
            return command.arms.allSatisfy { arm in
                switch arm {
                case .send(let name, _, _, _): permits(.send, name)
                case .receive(let name, _): permits(.receive, name)
                case .barrier(let name, _): permits(.barrier, name)
                }
            }
        default: return true
        }
    }

    @Test(
        "What rules deny never happens, and nothing that they deny is left after they have changed", arguments: 1...20)
    func randomCommands(seed: UInt64) throws {
        var source = self
        source.generator = SeededGenerator(seed: seed)
        let principals = ["one", "two", "three"]
        var permissions: [String: Permissions] = [:]
        for name in principals { permissions[name] = source.permissions() }
        var hub = TestHub(permissions)
        var clients: [(name: String, connection: ConnectionID)] = []
        for name in principals + principals { clients.append((name, try hub.connect(as: name))) }
        var denials = 0
        for step in 0..<600 {
            if step % 40 == 39 {
                for name in principals { permissions[name] = source.permissions() }
                hub.change(permissions)
                for (name, connection) in clients {
                    let trie = PermissionTrie(permissions[name] ?? Permissions())
                    var waiting = hub.machine.clients[connection]?.firstOperation
                    while let id = waiting, let operation = hub.machine.operations[id] {
                        #expect(operation.isPermitted(by: trie), "step \(step)")
                        waiting = operation.next
                    }
                    var held = hub.machine.clients[connection]?.firstLease
                    while let id = held, let lease = hub.machine.leases[id] {
                        #expect(trie.allows(.receive, on: lease.channel.name), "step \(step)")
                        held = lease.next
                    }
                    for end in hub.machine.clients[connection]?.ends ?? [] {
                        #expect(trie.allows(.join, on: end.channel.name), "step \(step)")
                    }
                }
            }
            let client = try #require(clients.randomElement(using: &source.generator))
            let command = try source.command()
            let outcome = hub.apply(command, by: client.connection, tag: "t\(step)")
            if case .trace = command { continue }
            let isDenied = outcome.refusal == .denied
            denials += isDenied ? 1 : 0
            #expect(
                isDenied != source.permits(permissions[client.name] ?? Permissions(), command),
                "step \(step): \(command)")
        }
        #expect(denials > 50)
        for (_, connection) in clients { hub.disconnect(connection) }
        #expect(hub.machine.grants.isEmpty)
    }
}

extension ParkedOperation {
    fileprivate func isPermitted(by trie: PermissionTrie) -> Bool {
        switch wait {
        case .send(let channel, _, _): trie.allows(.send, on: channel.name)
        case .receive(let channel, _, _): trie.allows(.receive, on: channel.name)
        case .countedReceive(let counted): trie.allows(.receive, on: counted.channel.name)
        case .barrier(let barrier, _): trie.allows(.barrier, on: barrier.name)
        case .redrive(let work): trie.allows(.receive, on: work.channel.name)
        case .trace(let tracer): trie.mayAllow(.trace, onNamesFrom: tracer.prefix)
        case .select(let select):
            select.arms.allSatisfy { arm in
                switch arm {
                case .send(let channel, _): trie.allows(.send, on: channel.name)
                case .receive(let channel, _, _): trie.allows(.receive, on: channel.name)
                case .barrier(let barrier, _): trie.allows(.barrier, on: barrier.name)
                }
            }
        }
    }
}
