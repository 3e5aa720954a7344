import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// The operations of a client that departs: they end at once, and leave their queues in slices.
@Suite struct DepartingTests {
    private let count = 3000
    private let steps = 10

    /// Operations that a client parks, in a way that another client could match.
    enum Parked: CaseIterable {
        case receives, leasedReceives, countedReceives, selects, sends, sendsWithID, joinedSends, buffered, returned
        case delayed, barriers, broadcastReceives
    }

    private func limit(_ hub: inout TestHub) { hub.machine.sliceEnd = hub.machine.steps + steps }

    /// Does the work that is left, slice by slice, and returns the number of slices.
    @discardableResult
    private func finish(_ hub: inout TestHub) -> Int {
        var slices = 0
        while !hub.machine.unfinished.isEmpty, slices < 20 * count {
            let before = hub.machine.parkedCount
            limit(&hub)
            hub.machine.continueUnfinished()
            #expect(before - hub.machine.parkedCount <= 2 * steps)
            slices += 1
        }
        hub.machine.sliceEnd = .max
        return slices
    }

    /// Runs a command when it can, as a conversation does, and continues unfinished work between its attempts.
    private func run(_ command: Command, by client: ConnectionID, _ hub: inout TestHub) -> Outcome {
        for _ in 0..<20 * count {
            limit(&hub)
            if hub.machine.isReady(for: command) { break }
            limit(&hub)
            hub.machine.continueUnfinished()
        }
        return hub.apply(command, by: client)
    }

    /// Lets `a` park `count` operations.
    ///
    /// - Returns: the command with which another client could meet them.
    private func park(_ kind: Parked, by a: ConnectionID, besides b: ConnectionID, _ hub: inout TestHub) throws
        -> Command
    {
        let name = try channel("c")
        switch kind {
        case .buffered: _ = try hub.open("c", .buffer(count), by: b)
        case .broadcastReceives: _ = try hub.open("c", .broadcast, by: b)
        default: break
        }
        for number in 0..<count {
            let tag = "\(number)"
            let outcome =
                switch kind {
                case .receives, .broadcastReceives: try hub.receive(from: "c", by: a, tag: tag)
                case .leasedReceives: try hub.receive(from: "c", by: a, tag: tag, lease: .seconds(9))
                case .countedReceives: try hub.stream(from: "c", by: a, tag: tag)
                case .selects: try hub.select("recv d", "recv c", by: a, tag: tag)
                case .sends, .returned: try hub.send("x", on: "c", by: a, tag: tag)
                case .sendsWithID: try hub.send("x", on: "c", by: a, tag: tag, id: tag)
                case .joinedSends: try hub.send("x", on: "c", by: a, tag: tag, id: "i")
                case .buffered: try hub.send("x", on: "c", by: a, tag: tag, until: .taken)
                case .delayed: try hub.send("x", on: "c", by: a, tag: tag, delay: .seconds(1))
                case .barriers: try hub.barrier("c", count + 1, by: a, tag: tag)
                }
            #expect(outcome.isParked)
        }
        if kind == .returned {
            for _ in 0..<count {
                let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(9)).delivery)
                hub.machine.now += 1
                _ = hub.nack(delivery, by: b)
                _ = hub.takeLateReplies()
            }
        }
        switch kind {
        case .receives, .leasedReceives, .countedReceives, .selects, .broadcastReceives:
            return .send(SendCommand(channel: name, body: Body("y".utf8), timeout: .zero))
        case .sends, .sendsWithID, .joinedSends, .buffered, .returned, .delayed:
            return .receive(ReceiveCommand(channel: name, timeout: .zero))
        case .barriers: return .barrier(BarrierCommand(name, parties: count + 1, timeout: .zero))
        }
    }

    @Test("No operation of a client that is gone meets another one", arguments: Parked.allCases)
    func clientIsGone(_ kind: Parked) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        let command = try park(kind, by: a, besides: b, &hub)
        limit(&hub)
        hub.disconnect(a)
        #expect(hub.machine.parkedCount > count - 2 * steps)
        if kind == .delayed { hub.machine.now += 2_000_000_000 }
        for _ in 0..<count where hub.machine.nextDeadline <= hub.machine.now {
            limit(&hub)
            hub.machine.expire()
        }
        let outcome = run(command, by: b, &hub)
        if kind == .broadcastReceives {
            // With nobody there, a broadcast reaches nobody.
            #expect(outcome == .done(.ok(receivers: 0)))
        } else {
            #expect(outcome == .done(.timeout))
        }
        #expect(hub.takeLateReplies().isEmpty)
        finish(&hub)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(hub.machine.parkedCount == 0 && hub.machine.departures == 0)
        #expect(MachineInvariants(hub.machine).faults.isEmpty)
        _ = try hub.close("c", by: b)
        hub.pass(.seconds(200))
        hub.disconnect(b)
        #expect(hub.machine.clients.count == 0 && hub.machine.account.used == 0)
        hub.expectEmpty()
    }

    @Test("Each operation of a client that is refused is told once, and meets no other", arguments: Parked.allCases)
    func clientIsRefused(_ kind: Parked) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        let command = try park(kind, by: a, besides: b, &hub)
        limit(&hub)
        hub.machine.withdrawAll(of: a)
        if kind != .broadcastReceives { #expect(run(command, by: b, &hub) == .done(.timeout)) }
        finish(&hub)
        let replies = hub.takeLateReplies()
        #expect(replies.count == count && Set(replies.map { $0.tag }).count == count)
        // The senders of one message cannot know which of them is the last.
        let expected: Set<Reply?> =
            kind == .joinedSends ? [.cancelled("closing"), .maybe("closing")] : [.cancelled("closing")]
        #expect(Set(replies.map(\.reply)) == expected)
        #expect(replies.allSatisfy { $0.connection == a })
        #expect(hub.machine.parkedCount == 0 && hub.machine.departures == 0)
        _ = try hub.close("c", by: b)
        hub.pass(.seconds(200))
        hub.disconnect(a)
        hub.disconnect(b)
        #expect(hub.machine.account.used == 0)
        hub.expectEmpty()
    }

    @Test("A message meets the receiver behind those of a client that departs", arguments: ["send", "nack", "expiry"])
    func receiversBehind(_ way: String) throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(from: 2), hub.connect(from: 3))
        _ = try hub.send("job", on: "c", by: b, tag: "s")
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        for number in 0..<count { _ = try hub.receive(from: "c", by: a, tag: "\(number)") }
        _ = try hub.receive(from: "c", by: c)
        limit(&hub)
        hub.machine.withdrawAll(of: a)
        switch way {
        case "send":
            #expect(
                run(.send(SendCommand(channel: try channel("c"), body: Body("new".utf8))), by: b, &hub) == .done(.ok))
        case "nack": #expect(run(.nack(NackCommand(delivery, delay: nil)), by: b, &hub) == .done(.ok))
        default:
            hub.machine.now += 2_000_000_000
            for _ in 0..<count where hub.machine.leases.count > 0 {
                limit(&hub)
                hub.machine.expire()
            }
        }
        let taken = hub.takeLateReplies().filter { $0.connection == c }
        #expect(try taken == [LateReply(c, .message(way == "send" ? "new" : "job", from: "c"))])
        finish(&hub)
        #expect(hub.machine.parkedCount == (way == "send" ? 1 : 0))
    }

    @Test("A send that waits behind those of a client that departs is the next to be received")
    func sendersBehind() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        for number in 0..<count { _ = try hub.send("x", on: "c", by: a, tag: "\(number)") }
        _ = try hub.send("y", on: "c", by: b, tag: "s")
        limit(&hub)
        hub.disconnect(a)
        let outcome = run(.receive(ReceiveCommand(channel: try channel("c"))), by: b, &hub)
        #expect(try outcome == .done(.message("y", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(b, "s", .ok)])
        finish(&hub)
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("A message that another client has sent again stays when its first sender departs")
    func sharedMessage() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        for number in 0..<count { _ = try hub.send("x", on: "c", by: a, tag: "\(number)", id: "i") }
        _ = try hub.send("x", on: "c", by: b, tag: "again", id: "i")
        limit(&hub)
        hub.disconnect(a)
        let outcome = run(.receive(ReceiveCommand(channel: try channel("c"))), by: b, &hub)
        #expect(try outcome == .done(.message("x", from: "c")))
        finish(&hub)
        #expect(hub.takeLateReplies().map(\.connection) == [b])
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("A broadcast passes over very many sends of a client that departs")
    func broadcastSends() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        _ = try hub.open("c", .broadcast, by: b)
        for number in 0..<10 * count { _ = try hub.send("x", on: "c", by: a, tag: "\(number)", need: 2) }
        limit(&hub)
        hub.disconnect(a)
        hub.machine.sliceEnd = .max
        for tag in ["1", "2"] { _ = try hub.receive(from: "c", by: b, tag: tag) }
        #expect(hub.takeLateReplies().isEmpty)
        #expect(hub.machine.parkedCount == 2)
        finish(&hub)
        #expect(try hub.send("y", on: "c", by: b, tag: "s", need: 2) == .done(.ok(receivers: 2)))
    }

    @Test("Counted receives of a client that departs take no message that their credit or window would now permit")
    func pausedReceives() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        _ = try hub.open("q", .buffer(9), by: b)
        for text in ["1", "2"] { _ = try hub.send(text, on: "q", by: b) }
        let deliveries = try (0..<1).map { _ in
            _ = try hub.stream(from: "q", by: a, tag: "w", lease: .seconds(9), window: 1)
            return try #require(hub.takeDeliveries().first)
        }
        for number in 0..<count { _ = try hub.receive(from: "c", by: a, tag: "\(number)") }
        limit(&hub)
        hub.machine.withdrawAll(of: a)
        #expect(hub.ack(deliveries[0], by: a) == .done(.ok))
        #expect(try hub.receive(from: "q", by: b, timeout: .zero) == .done(.message("2", from: "q")))
        finish(&hub)
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("Reports show nothing that a client waits for that departs, and no deadlock with it")
    func reports() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        for (client, other) in [(a, b), (b, a)] {
            let (mine, theirs) = (client == a ? "a" : "b", other == a ? "a" : "b")
            _ = try hub.join(.send, of: mine, by: client)
            _ = try hub.join(.receive, of: theirs, by: client)
            _ = try hub.receive(from: theirs, by: client)
        }
        var stuck = StuckScan(after: nil, limit: 10)
        while !stuck.advance(hub.machine, steps: 1000) {}
        #expect(stuck.found == 1)
        for number in 0..<count { _ = try hub.receive(from: "c", by: a, tag: "\(number)") }
        // A scan that has begun before the client departs must not rely on it either.
        var begun = StuckScan(after: nil, limit: 10)
        _ = begun.advance(hub.machine, steps: count)
        limit(&hub)
        hub.disconnect(a)
        while !begun.advance(hub.machine, steps: 1000) {}
        #expect(begun.found == 0)
        stuck = StuckScan(after: nil, limit: 10)
        while !stuck.advance(hub.machine, steps: 1000) {}
        #expect(stuck.found == 0)
        var waiters = WaiterScan(on: nil, after: nil, limit: 10)
        while !waiters.advance(hub.machine, steps: 1000) {}
        #expect(waiters.found == 1)
        let client = try #require(hub.machine.clients[a])
        #expect(hub.machine.report(of: client, for: .complete).pending == 0)
        finish(&hub)
        #expect(hub.machine.parkedCount == 0, "the other one has got the end of the channel")
    }

    @Test("A client that departs with operations, leases and ends is forgotten once all have ended, in slices")
    func everything() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        for number in 0..<500 {
            _ = try hub.send("\(number)", on: "l", by: b, tag: "l\(number)")
            _ = try hub.receive(from: "l", by: a, lease: .seconds(9))
            _ = try hub.join(.send, of: "e\(number)", by: a)
            _ = try hub.receive(from: "c\(number)", by: a, tag: "\(number)")
        }
        _ = try hub.stream(from: "l", by: b, tag: "w")
        limit(&hub)
        hub.disconnect(a)
        #expect(hub.machine.connectionCount == 2)
        #expect(finish(&hub) > 100)
        #expect(hub.machine.connectionCount == 1 && hub.machine.leases.count == 0)
        let messages = hub.takeLateReplies().filter { $0.tag == Tag("w") }
        #expect(try messages == (0..<500).map { LateReply(b, "w", try .message("\($0)", from: "l"), isFinal: false) })
    }

    @Test(
        "Operations of a client that departs end once, whatever else ends them",
        arguments: ["timeout", "drain", "close"])
    func otherEnds(_ way: String) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        for number in 0..<count { _ = try hub.receive(from: "c", by: a, tag: "\(number)", timeout: .seconds(1)) }
        limit(&hub)
        hub.machine.withdrawAll(of: a)
        switch way {
        case "timeout":
            hub.machine.now += 2_000_000_000
            limit(&hub)
            hub.machine.expire()
        case "drain": hub.machine.drain()
        default: _ = try hub.close("c", by: b)
        }
        if way == "close" {
            limit(&hub)
            hub.disconnect(a)
        }
        finish(&hub)
        let replies = hub.takeLateReplies()
        if way != "close" {
            #expect(replies.count == count && Set(replies.map(\.reply)) == [.cancelled("closing")])
        }
        #expect(hub.machine.parkedCount == 0 && hub.machine.departures == 0)
    }
}
