import SeededRandom
import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Several clients that perform random operations.
struct RandomClients: ~Copyable {
    private static let names = ["r0", "r1", "b2", "n2", "o1", "w", "v"]
    private static let declarations: [String: ChannelDeclaration] = [
        "b2": .buffer(2), "n2": .buffer(2, .dropNewest), "o1": .buffer(1, .dropOldest), "w": .broadcast, "v": .once,
    ]

    private var hub: TestHub
    private var generator: SeededGenerator
    private let checker = PromiseChecker()
    private var clients: [ConnectionID] = []
    private var halfClosed: Set<ConnectionID> = []
    private var log: [String] = []
    private var oldDeliveries: [DeliveryID] = []
    /// Whether there is no POISON and no JOIN, so that no accepted message may be lost.
    private let isGentle: Bool
    private var keys: Set<SendKey> = []
    /// A client that traces all handoffs.
    private var observer: ConnectionID
    /// The messages that clients have received, less the handoffs that the observer knows of.
    private var untraced = 0

    init(seed: UInt64) throws {
        var limits = HubLimits()
        limits.outputBytes = 200
        limits.tombstoneLife = .seconds(2)
        limits.sendMemoryLife = .seconds(3600)
        if seed % 3 == 0 {
            limits.maxLeases = 4
            limits.parkedBytes = 30
            limits.keptBytes = 12
            limits.maxEnds = 3
        }
        isGentle = seed % 2 == 0
        hub = TestHub(seed: seed, limits: limits)
        generator = SeededGenerator(seed: seed)
        for _ in 0..<4 { clients.append(hub.connect()) }
        observer = hub.connect()
        let outcome = try hub.trace(by: observer, tag: "t")
        checker.begin(PromiseChecker.Operation(connection: observer, waitsAfterEOF: true), outcome)
    }

    var faults: [String] { checker.faults }
    /// What the hub keeps, once it has drained.
    func stored() -> StoredHub { hub.machine.stored() }
    var story: String { log.suffix(60).joined(separator: "\n") }

    // MARK: Random choices

    private mutating func chance(_ count: Int, of total: Int) -> Bool { below(total) < count }
    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &generator) }
    private mutating func name() -> String { Self.names[below(Self.names.count)] }
    private mutating func client() -> ConnectionID { clients[below(clients.count)] }

    private mutating func timeout() -> Duration? {
        switch below(4) {
        case 0: .zero
        case 1: .milliseconds(1 + below(500))
        default: nil
        }
    }

    private mutating func lease(on name: String) -> Duration? {
        chance(2, of: 5) ? .milliseconds(1 + below(1000)) : nil
    }

    private mutating func id(on name: String) throws -> MessageID? {
        guard "rb".contains(name.prefix(1)), chance(1, of: 6) else { return nil }
        let id = try #require(MessageID("k\(below(12))"))
        keys.insert(SendKey(channel: try channel(name), id: id))
        return id
    }

    // MARK: Steps

    mutating func step() throws {
        checker.now = hub.machine.now
        var isOneEvent = true
        switch below(100) {
        case 0..<26: try send()
        case 26..<44: try receive()
        case 44..<50: try receiveMany()
        case 50..<62: try select()
        case 62..<76: settleLease()
        case 76..<80: cancel()
        case 80..<86:
            pass(.milliseconds(1 + below(400)))
            isOneEvent = false
        case 86..<90: written()
        case 90..<94: try manage()
        case 94: try meet()
        case 95:
            let client = client()
            halfClosed.insert(client)
            log.append("\(client.slot) half-closes")
            hub.endInput(of: client)
            isOneEvent = false
        case 96..<98:
            let place = below(clients.count)
            disconnect(clients.remove(at: place), isOrderly: chance(1, of: 2))
            clients.append(hub.connect())
        default: look()
        }
        settle(isOneEvent: isOneEvent)
    }

    private mutating func settle(isOneEvent: Bool) {
        for effect in hub.machine.outbox.effects {
            log.append(
                "    \(effect.connection.slot) of \(effect.operation.serial): \(description(of: effect.content))")
            if let delivery = LateReply(effect).delivery { oldDeliveries.append(delivery) }
            count(effect.content)
            checker.take(effect)
        }
        if let skippedHandoffs, untraced != skippedHandoffs {
            checker.fault("\(untraced) handoffs are neither traced nor skipped")
        }
        // The observer reads everything at once.
        hub.machine.clients[observer]?.unwrittenBytes = 0
        hub.machine.outbox.effects = []
        checker.endStep(isOneEvent: isOneEvent)
        for fault in MachineInvariants(hub.machine).faults { checker.fault(fault) }
        for operation in checker.pending.values
        where halfClosed.contains(operation.connection) && !operation.waitsAfterEOF {
            checker.fault("an operation waits after the end of its client's input")
        }
        if checker.pending.count != hub.machine.parkedCount { checker.fault("an operation has ended without a reply") }
        if checker.leases.count != hub.machine.leases.count {
            checker.fault("the machine has other leases than the clients")
        }
    }

    /// The handoffs that the trace has skipped, for lack of credit, since it reported one. Nil once the trace has ended.
    private var skippedHandoffs: Int? {
        guard let id = hub.machine.clients[observer]?.firstOperation, let operation = hub.machine.operations[id],
            case .trace(let tracer) = operation.wait
        else { return nil }
        return tracer.dropped
    }

    /// Compares the messages that clients receive with the traced handoffs.
    private mutating func count(_ content: Effect.Content) {
        switch content {
        case .final(.message), .partial(.message): untraced += 1
        case .handoff(let handoff): untraced -= 1 + handoff.droppedBefore
        case .final, .partial, .released: break
        }
    }

    private func description(of content: Effect.Content) -> String {
        switch content {
        case .final(let reply): "\(text(reply)), the end"
        case .partial(let reply): text(reply)
        case .handoff: "a handoff"
        case .released: "released"
        }
    }

    private func text(_ reply: Reply) -> String {
        var bytes: [UInt8] = []
        reply.append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").joined(separator: " ")
    }

    private mutating func apply(_ operation: Command, _ begun: PromiseChecker.Operation, _ caption: String) {
        let tag = chance(1, of: 2) ? "t" : nil
        let outcome = hub.apply(operation, by: begun.connection, tag: tag)
        log(begun.connection, caption, outcome)
        if let delivery = outcome.delivery { oldDeliveries.append(delivery) }
        if case .done(let reply) = outcome { count(.final(reply)) }
        checker.begin(begun, outcome)
    }

    private mutating func log(_ client: ConnectionID, _ caption: String, _ outcome: Outcome) {
        switch outcome {
        case .ok: log.append("\(client.slot) \(caption): OK")
        case .done(let reply): log.append("\(client.slot) \(caption): \(text(reply))")
        case .unreported: log.append("\(client.slot) \(caption): no reply")
        case .parked(let id): log.append("\(client.slot) \(caption): parked as \(id.serial)")
        }
    }

    private mutating func send() throws {
        let (client, name, waits) = (client(), name(), chance(1, of: 4))
        let id = try id(on: name)
        let wantsAnswer = id.map { $0.description.utf8.last.map { $0 % 2 == 0 } ?? false } ?? chance(1, of: 3)
        let until: SendGoal? = !wantsAnswer && chance(1, of: 3) ? .taken : nil
        let message = checker.message(on: name, id: id?.description)
        if wantsAnswer { message.wasCalled = true }
        let need = name == "w" && !wantsAnswer && chance(1, of: 4) ? 1 + below(3) : nil
        let time = timeout()
        let isDelayed = id == nil && "rbno".contains(name.prefix(1)) && chance(1, of: 8)
        let delay: Duration? = isDelayed ? .milliseconds(1 + below(500)) : nil
        message.isDelayed = isDelayed
        message.restsUntil = max(message.restsUntil, checker.now + (delay?.wholeNanoseconds ?? 0))
        let command = SendCommand(
            channel: try channel(name), body: Body(message.text.utf8), timeout: time,
            identity: id.map { SendIdentity($0) }, until: until, minimumReceivers: need, delay: delay,
            wantsAnswer: wantsAnswer, waitsAfterEOF: waits)
        let send = PromiseChecker.Send(
            message: message, arm: nil, isUntilTaken: command.stored?.waitsUntilTaken == true, wantsAnswer: wantsAnswer)
        apply(
            .send(command), PromiseChecker.Operation(connection: client, sends: [send], waitsAfterEOF: waits),
            "\(wantsAnswer ? "CALL" : "SEND") \(message.text) on \(name) \(time.map { "\($0)" } ?? "") \(until == .taken ? "until=taken" : "") \(delay.map { "delay=\($0)" } ?? "")"
        )
    }

    private mutating func receive() throws {
        let (client, name, waits) = (client(), name(), chance(1, of: 4))
        let (time, lease) = (timeout(), lease(on: name))
        let command = ReceiveCommand(channel: try channel(name), timeout: time, lease: lease, waitsAfterEOF: waits)
        apply(
            .receive(command),
            PromiseChecker.Operation(
                connection: client, leases: [-1: lease?.wholeNanoseconds ?? 0], waitsAfterEOF: waits),
            "RECV \(name) \(time.map { "\($0)" } ?? "") \(lease.map { "lease=\($0)" } ?? "")")
    }

    private mutating func receiveMany() throws {
        let (client, name, waits) = (client(), name(), chance(1, of: 4))
        let (time, lease) = (timeout(), lease(on: name))
        let count: ReceiveCount = chance(1, of: 2) ? .endless : .exactly(1 + below(4))
        let window = lease != nil && chance(1, of: 2) ? 1 + below(3) : nil
        let command = ReceiveCommand(
            channel: try channel(name), timeout: time, lease: lease, count: count, window: window,
            waitsAfterEOF: waits)
        apply(
            .receive(command),
            PromiseChecker.Operation(
                connection: client, leases: [-1: lease?.wholeNanoseconds ?? 0], waitsAfterEOF: waits, isCounted: true),
            "RECV count=\(count) window=\(window ?? 0) \(name) \(lease.map { "lease=\($0)" } ?? "")")
    }

    private mutating func select() throws {
        var begun = PromiseChecker.Operation(connection: client(), waitsAfterEOF: chance(1, of: 4))
        var (arms, captions): ([Arm], [String]) = ([], [])
        for number in 0..<(1 + below(3)) {
            let name = name()
            switch below(7) {
            case 0:
                let parties = chance(1, of: 2) ? 2 + below(2) : nil
                begun.barriers[number] = ("g", parties)
                arms.append(.barrier(try channel("g"), parties: parties))
                captions.append("barrier \(parties ?? 0)")
            case 1...3:
                let lease = lease(on: name)
                begun.leases[number] = lease?.wholeNanoseconds ?? 0
                arms.append(.receive(try channel(name), lease: lease))
                captions.append("recv \(name) \(lease.map { "lease=\($0)" } ?? "")")
            default:
                let id = try id(on: name)
                let message = checker.message(on: name, id: id?.description)
                begun.sends.append(PromiseChecker.Send(message: message, arm: number, isUntilTaken: false))
                arms.append(.send(try channel(name), Body(message.text.utf8), id: id))
                captions.append("send \(name) \(message.text)")
            }
        }
        for send in begun.sends {
            send.message.mayBeElsewhere = arms.contains { arm in
                switch arm {
                case .send(let name, _, _, _): name.description == "w"
                case .receive(let name, _): send.message.hasID && name.description == send.message.channel
                case .barrier: false
                }
            }
        }
        let hasElse = chance(1, of: 8)
        let order: SelectCommand.Order = [.fair, .first, .random][below(3)]
        let time = hasElse ? nil : timeout()
        let command = SelectCommand(
            arms: arms, hasElse: hasElse, order: order, timeout: time, waitsAfterEOF: begun.waitsAfterEOF)
        apply(
            .select(command), begun,
            "SELECT \(captions.joined(separator: " | ")) \(hasElse ? "else" : "") \(time.map { "\($0)" } ?? "")")
    }

    private mutating func settleLease() {
        guard let delivery = chance(1, of: 10) ? oldDeliveries.randomElement(using: &generator) : someLease() else {
            return
        }
        let holder = chance(1, of: 10) ? client() : checker.leases[delivery]?.holder ?? client()
        switch below(7) {
        case 6:
            // Entered before the replies that the rejection causes.
            checker.rejected(delivery, by: holder, checker.leases[delivery]?.holder == holder ? .ok : .timeout)
            log(holder, "REJECT \(delivery)", hub.reject(delivery, "no", by: holder))
        case 0..<3:
            let answer = chance(2, of: 3) ? "\(oldDeliveries.count)".prefix(below(4)).description : nil
            let repliesOnlyToFailure = chance(1, of: 3)
            let outcome = hub.ack(
                delivery, by: holder, answer: answer, repliesOnlyToFailure: repliesOnlyToFailure)
            let option = repliesOnlyToFailure ? "reply=error " : ""
            log(holder, "ACK \(option)\(delivery) \(answer.map { "'\($0)'" } ?? "")", outcome)
            checker.acknowledged(
                delivery, by: holder, answering: answer.map { Body($0.utf8) },
                repliesOnlyToFailure: repliesOnlyToFailure, outcome.reply)
        case 3, 4:
            let delay: Duration? = chance(1, of: 3) ? .milliseconds(1 + below(500)) : nil
            // Entered before the replies that the nack causes.
            checker.refused(
                delivery, by: holder, delay: delay?.wholeNanoseconds ?? 0,
                checker.leases[delivery]?.holder == holder ? .ok : .timeout)
            let outcome = hub.nack(delivery, by: holder, delay: delay)
            log(holder, "NACK \(delivery) \(delay.map { "\($0)" } ?? "")", outcome)
        default:
            let outcome = hub.touch(delivery, by: holder)
            log(holder, "TOUCH \(delivery)", outcome)
            if case .done(let reply) = outcome { checker.touched(delivery, by: holder, reply) }
        }
    }

    private mutating func someLease() -> DeliveryID? {
        checker.leases.keys.sorted { $0.serial < $1.serial }.randomElement(using: &generator)
    }

    private mutating func cancel() {
        let ids = checker.pending.filter { $0.value.connection != observer }.keys.sorted { $0.serial < $1.serial }
        guard let id = ids.randomElement(using: &generator) else { return }
        log.append("CANCEL \(id.serial)")
        hub.cancel(id)
    }

    private mutating func pass(_ duration: Duration) {
        log.append("\(duration) passes")
        hub.machine.now += duration.wholeNanoseconds
        checker.now = hub.machine.now
        checker.expireLeases()
        hub.machine.expire()
    }

    private mutating func written() {
        let client = client()
        guard let bytes = checker.unwritten.removeValue(forKey: client) else { return }
        log.append("\(client.slot) has written \(bytes)")
        hub.machine.outputWritten(bytes, of: client)
    }

    private mutating func manage() throws {
        // The broadcast is chosen often: it is rarely partly delivered, when its end is most likely to go wrong.
        let (client, name) = (client(), chance(1, of: 3) ? "w" : name())
        let side: ChannelEnd.Side = chance(1, of: 2) ? .send : .receive
        switch below(isGentle ? 5 : 10) {
        case 0..<4:
            guard let declaration = Self.declarations[name] else { return }
            log(client, "OPEN \(name)", try hub.open(name, declaration, by: client))
        case 4: log(client, "CLOSE \(name)", try hub.close(name, by: client))
        case 5:
            checker.lossy.insert(name)
            log(client, "POISON \(name)", try hub.poison(name, by: client))
        case 6..<9:
            checker.lossy.insert(name)
            let policy: DeathPolicy = chance(1, of: 3) ? .poison : .retire
            log(client, "JOIN \(side) \(name)", try hub.join(side, of: name, by: client, onDeath: policy))
        default: log(client, "LEAVE \(side) \(name)", try hub.leave(side, of: name, by: client))
        }
    }

    private mutating func meet() throws {
        let (client, parties, time) = (client(), 1 + below(3), timeout())
        apply(
            .barrier(BarrierCommand(try channel("g"), parties: parties, timeout: time)),
            PromiseChecker.Operation(connection: client, barriers: [-1: ("g", parties)], waitsAfterEOF: false),
            "BARRIER \(parties)")
    }

    private mutating func disconnect(_ client: ConnectionID, isOrderly: Bool) {
        log.append("\(client.slot) disconnects")
        halfClosed.remove(client)
        checker.disconnected(client)
        hub.disconnect(client, isOrderly: isOrderly)
    }

    private mutating func look() {
        _ = hub.machine.channelsReport(prefix: nil)
        _ = hub.machine.waitersReport(on: nil)
        _ = hub.machine.clientsReport()
        _ = hub.machine.stuckReport()
    }

    // MARK: The end

    mutating func drain() {
        checker.now = hub.machine.now
        log.append("the hub drains")
        hub.machine.drain()
        for effect in hub.machine.outbox.effects {
            guard case .final(.maybe) = effect.content, let operation = checker.pending[effect.operation] else {
                continue
            }
            if !operation.sends.contains(where: { $0.message.channel == "w" && $0.message.commits > 0 }) {
                checker.fault("\(effect) is in doubt although no receiver has the message")
            }
        }
        settle(isOneEvent: false)
        expectOnlyLeasedSends()
    }

    private func expectOnlyLeasedSends() {
        for operation in checker.pending.values where !operation.sends.contains(where: { $0.message.isLeased }) {
            checker.fault("\(operation) waits although no receiver has its message")
        }
    }

    mutating func endDraining() {
        expectOnlyLeasedSends()
        checker.now = hub.machine.now
        log.append("the hub ends")
        hub.machine.endDraining()
        settle(isOneEvent: false)
        if !checker.pending.isEmpty { checker.fault("an operation waits after the end of the drain") }
        while let client = clients.popLast() {
            disconnect(client, isOrderly: true)
            settle(isOneEvent: false)
        }
        disconnect(observer, isOrderly: true)
        if !hub.machine.isDrained(localCount: 0) { checker.fault("the drain does not end") }
    }

    /// Disconnects all clients; one more client receives the remaining messages and closes the declared channels.
    mutating func finish() throws {
        while let client = clients.popLast() {
            checker.now = hub.machine.now
            disconnect(client, isOrderly: chance(1, of: 2))
            settle(isOneEvent: true)
        }
        pass(.seconds(1))
        settle(isOneEvent: false)
        let last = hub.connect()
        for name in Self.names {
            if name != "v" {
                while try takeOne(from: name, last) {}
            }
            _ = try hub.close(name, by: last)
        }
        if isGentle { checker.checkNothingLost(on: ["b2"]) }
        disconnect(last, isOrderly: true)
        disconnect(observer, isOrderly: true)
        pass(.seconds(10_000))
        settle(isOneEvent: false)
        let machine = (
            hub.machine.parkedCount, hub.machine.channels.count, hub.machine.channels.tombstoneCount,
            hub.machine.channels.declaredCount, hub.machine.channels.tombstoneBytes, hub.machine.connectionCount
        )
        if machine != (0, 0, 0, 0, 0, 0) { checker.fault("left behind: \(machine)") }
        let kept = (hub.machine.totals.keptMessages, hub.machine.totals.keptBytes, hub.machine.leases.count)
        if kept != (0, 0, 0) { checker.fault("left behind: \(kept)") }
        if hub.machine.nextDeadline != .max { checker.fault("a deadline is left behind") }
        if !hub.machine.barriers.isEmpty { checker.fault("a barrier is left behind") }
        for key in keys where hub.machine.memory[key] != nil { checker.fault("\(key) is still remembered") }
    }

    private mutating func takeOne(from name: String, _ client: ConnectionID) throws -> Bool {
        let outcome = try hub.receive(from: name, by: client, timeout: .zero)
        checker.begin(PromiseChecker.Operation(connection: client, leases: [-1: 0], waitsAfterEOF: false), outcome)
        log(client, "takes from \(name)", outcome)
        if case .done(let reply) = outcome { count(.final(reply)) }
        settle(isOneEvent: true)
        if case .done(.message) = outcome { return true }
        return false
    }
}
