import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Work whose length clients control: no command, and no slice, does more of it than it has steps for.
@Suite struct SliceTests {
    /// The operations of each test, and the steps of a slice. A slice may exceed its steps by what it does at once.
    private let count = 200
    private let steps = 10
    private let excess = 20

    private func limit(_ hub: inout TestHub) { hub.machine.sliceEnd = hub.machine.steps + steps }

    /// Performs a step of the test as one slice, and checks that it ends few operations.
    private func slice(_ hub: inout TestHub, _ body: (inout TestHub) throws -> Void) rethrows {
        let before = hub.machine.parkedCount
        limit(&hub)
        try body(&hub)
        #expect(before - hub.machine.parkedCount <= steps + excess)
    }

    /// Does the work that is left, slice by slice.
    private func finish(_ hub: inout TestHub) {
        var slices = 0
        while !hub.machine.unfinished.isEmpty, slices < 10 * count {
            slice(&hub) { $0.machine.continueUnfinished() }
            slices += 1
        }
        #expect(slices > 1)
        hub.machine.sliceEnd = .max
    }

    /// Tries a command in slices until it can run, as a conversation does.
    private func ready(_ hub: inout TestHub, _ command: Command) -> Int {
        var slices = 0
        while true {
            var isReady = false
            slice(&hub) { isReady = $0.machine.isReady(for: command) }
            if isReady || slices > count { return slices }
            slices += 1
        }
    }

    @Test(
        "A command waits for its next slice while selects that have ended stand in its way",
        arguments: ["recv", "send", "select"])
    func commandsBehindEndedSelects(_ verb: String) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let arm = verb == "recv" ? "send c x" : "recv c"
        for number in 0..<count { _ = try hub.select(arm, "recv p", by: a, tag: "\(number)") }
        try slice(&hub) { _ = try $0.poison("p", by: b) }
        let name = try channel("c")
        let command: Command =
            switch verb {
            case "recv": .receive(ReceiveCommand(channel: name, timeout: .zero))
            case "send": .send(SendCommand(channel: name, body: Body("y".utf8), timeout: .zero))
            default: .select(SelectCommand(arms: [.send(name, Body("y".utf8), id: nil)], hasElse: true))
            }
        #expect((1...5).contains(ready(&hub, command)))
        slice(&hub) { hub in
            let outcome = hub.apply(command, by: b)
            #expect(outcome == .done(verb == "select" ? .otherwise(arm: 1) : .timeout))
        }
        #expect(hub.takeLateReplies().allSatisfy { $0.reply?.isPoisoned == true })
    }

    @Test("A lease ends in a later slice while selects that have ended stand in the way of its message")
    func leasesBehindEndedSelects() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a, tag: "s")
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        for number in 0..<count { _ = try hub.select("recv c", "recv p", by: a, tag: "\(number)") }
        try slice(&hub) { _ = try $0.poison("p", by: b) }
        #expect((1...5).contains(ready(&hub, .nack(NackCommand(delivery, delay: nil)))))

        for number in 0..<count { _ = try hub.select("recv c", "recv q", by: a, tag: "q\(number)") }
        try slice(&hub) { _ = try $0.poison("q", by: b) }
        hub.machine.now += 2_000_000_000
        var slices = 0
        while hub.machine.leases.count > 0, slices < count {
            slice(&hub) { $0.machine.expire() }
            slices += 1
        }
        #expect((2...5).contains(slices))
        hub.machine.sliceEnd = .max
        #expect(try hub.receive(from: "c", by: b) == .done(.message("job", from: "c")))
    }

    @Test("Messages whose leases end at once begin to wait for their dead channels, and are reported, in slices")
    func heldRejections() throws {
        var hub = TestHub()
        let a = hub.connect()
        for number in 0..<count {
            _ = try hub.open("c\(number)", .buffer(1), maxAttempts: 1, dead: "nowhere", by: a)
            _ = try hub.send("x", on: "c\(number)", by: a)
            _ = try hub.receive(from: "c\(number)", by: a, lease: .seconds(1))
        }
        hub.machine.now += Duration.seconds(1).wholeNanoseconds
        var slices = 0
        while hub.machine.unreportedHolds.count < count, slices < 10 * count {
            let before = hub.machine.unreportedHolds.count
            limit(&hub)
            hub.machine.expire()
            hub.machine.continueUnfinished()
            #expect(hub.machine.unreportedHolds.count - before <= steps)
            slices += 1
        }
        #expect(hub.machine.unreportedHolds.count == count)
    }

    @Test("A drain withdraws waiting operations in slices, and nothing matches meanwhile")
    func drainInSlices() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("b", .buffer(1), by: a)
        _ = try hub.send("kept", on: "b", by: a)
        _ = try hub.send("job", on: "l", by: a, tag: "leased")
        let delivery = try #require(try hub.receive(from: "l", by: b, lease: .seconds(9)).delivery)
        for number in 0..<count {
            _ = try hub.receive(from: "c", by: a, tag: "r\(number)")
            _ = try hub.send("x", on: "b", by: a, tag: "s\(number)")
        }
        slice(&hub) { $0.machine.drain() }
        #expect(hub.machine.parkedCount > count)
        // The message that comes back meets none of the receives that wait.
        slice(&hub) { hub in
            let outcome = hub.nack(delivery, by: b)
            #expect(outcome == .done(.ok))
        }
        finish(&hub)
        let replies = hub.takeLateReplies().compactMap(\.reply)
        #expect(replies.count == 2 * count + 1)
        #expect(replies.allSatisfy { $0 == .cancelled("draining") })
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("The senders of a leased message that comes back during a drain are told in slices")
    func joinedSendersDuringADrain() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<count { _ = try hub.send("job", on: "c", by: a, tag: "\(number)", id: "i") }
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(9)).delivery)
        hub.machine.drain()
        #expect(hub.machine.parkedCount == count)
        slice(&hub) { hub in
            let outcome = hub.nack(delivery, by: b)
            #expect(outcome == .done(.ok))
        }
        finish(&hub)
        #expect(hub.takeLateReplies().compactMap(\.reply).allSatisfy { $0 == .cancelled("draining") })
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("A barrier at which more clients wait than it needs releases those that came first, in slices")
    func aBarrierWithMoreThanItNeeds() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<count { _ = try hub.select("barrier g", "recv p", by: a, tag: "\(number)") }
        try slice(&hub) { hub in
            let outcome = try hub.barrier("g", count - 1, by: b)
            #expect(outcome == .done(.ok))
        }
        // Whatever happens to a released party, it is released.
        try slice(&hub) { _ = try $0.poison("p", by: b) }
        finish(&hub)
        let replies = hub.takeLateReplies()
        let released = replies.filter { $0.reply == .ok(arm: 0) }
        #expect(released.compactMap { $0.tag?.description } == (0..<(count - 2)).map { "\($0)" })
        #expect(replies.count == count)
        #expect(hub.machine.barriers.isEmpty)
    }

    @Test("Sends that cannot be kept when the buffer has space again are refused in slices, and later ones wait behind")
    func refusedSendersInSlices() throws {
        var hub = TestHub(limits: limits { $0.keptBytes = 100 })
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        _ = try hub.open("d", .buffer(9), by: a)
        _ = try hub.send("x", on: "c", by: a)
        for number in 0..<count { _ = try hub.send("0123456789", on: "c", by: a, tag: "\(number)") }
        _ = try hub.send("last", on: "c", by: a, tag: "last")
        _ = try hub.send(String(repeating: "x", count: 95), on: "d", by: a)
        try slice(&hub) { hub in
            let outcome = try hub.receive(from: "c", by: b)
            #expect(try outcome == .done(.message("x", from: "c")))
        }
        #expect(try hub.send("new", on: "c", by: a, tag: "new").isParked)
        finish(&hub)
        let replies = hub.takeLateReplies()
        #expect(replies.filter { $0.refusal == .limit }.count == count)
        #expect(replies.last == LateReply(a, "last", .ok))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("last", from: "c")))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("new", from: "c")))
    }

    @Test("Delayed messages of a poisoned channel, and paused counted receives, are ended in slices")
    func delayedMessagesAndPausedReceives() throws {
        var hub = TestHub(limits: limits { $0.maxLeases = 1000 })
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<count {
            _ = try hub.send("x", on: "c", by: a, tag: "r\(number)")
            _ = try hub.stream(from: "c", by: b, tag: "\(number)", lease: .seconds(9), window: 1)
        }
        for number in 0..<count { _ = try hub.send("x", on: "c", by: a, tag: "d\(number)", delay: .seconds(9)) }
        _ = hub.takeLateReplies()
        try slice(&hub) { _ = try $0.poison("c", by: b) }
        finish(&hub)
        let told = hub.takeLateReplies().compactMap { $0.tag?.description }
        #expect(told.prefix(count) == (0..<count).map { "d\($0)" }[...])
        #expect(told.suffix(count) == (0..<count).map { "\($0)" }[...])
    }

    @Test(
        "The arms of withdrawn selects leave their queues in slices, two arms a step, or one arm with an id",
        arguments: [true, false])
    func armsInSlices(haveIDs: Bool) throws {
        var hub = TestHub()
        let a = hub.connect()
        for number in 0..<40 {
            let arms = (0..<30).map { "send \(haveIDs ? "id=\(number).\($0) " : "")c\($0) x" }
            #expect(try hub.select(arms, by: a, tag: "\(number)").isParked)
        }
        limit(&hub)
        hub.machine.endInput(of: a)
        #expect(hub.takeLateReplies().count == 40)
        while !hub.machine.unfinished.isEmpty {
            let before = hub.machine.parkedCount
            hub.machine.sliceEnd = hub.machine.steps + 60
            hub.machine.continueUnfinished()
            #expect(before - hub.machine.parkedCount <= (haveIDs ? 2 : 4))
        }
        hub.expectEmpty()
    }

    @Test("A withdrawn select is in doubt if it shares a message with another sender", arguments: [true, false])
    func withdrawnSelectsInDoubt(joins: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        if joins { #expect(try hub.send("x", on: "c", by: b, tag: "b", id: "i").isParked) }
        #expect(try hub.select("recv d", "send id=i c x", by: a, tag: "shared").isParked)
        if !joins { #expect(try hub.send("x", on: "c", by: b, tag: "b", id: "i").isParked) }
        #expect(try hub.select("recv d", "send id=j c x", by: a, tag: "alone").isParked)
        hub.machine.sliceEnd = hub.machine.steps
        hub.machine.endInput(of: a)
        #expect(
            hub.takeLateReplies() == [LateReply(a, "alone", .cancelled("eof")), LateReply(a, "shared", .maybe("eof"))])
        hub.machine.sliceEnd = .max
        hub.machine.continueUnfinished()
        #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.message("x", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(b, "b", .ok)])
    }

    @Test("The REDRIVEs of one address run one after the other, so that others have their turn")
    func redrivesOfOneAddress() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect(from: 2))
        _ = try hub.open("dead", .buffer(count), by: a)
        for _ in 0..<count { _ = try hub.send("stays", on: "dead", by: a) }
        limit(&hub)
        for number in 0..<5 { #expect(try hub.redrive("dead", by: a, tag: "\(number)").isParked) }
        #expect(try hub.redrive("dead", by: b, tag: "other").isParked)
        #expect(hub.machine.unfinished.count == 2)
        hub.disconnect(b)
        finish(&hub)
        #expect(hub.takeLateReplies().compactMap { $0.tag?.description } == (0..<5).map { "\($0)" })
        #expect(hub.machine.parkedCount == 0)
    }

    @Test(
        "The decisions of one address do not delay those of another",
        arguments: ["poison", "joined", "once", "selects", "leases"])
    func decisionsOfOtherAddresses(_ kind: String) throws {
        var hub = TestHub()
        let hoarders = (0..<10).map { _ in hub.connect() }
        let (b, c) = (hub.connect(from: 2), hub.connect(from: 2))
        let deciders = hoarders + [b]
        for (place, client) in deciders.enumerated() {
            for number in 0..<count {
                switch kind {
                case "joined": _ = try hub.send("x", on: "\(place)", by: client, tag: "\(number)", id: "i")
                case "selects": _ = try hub.select("recv s.\(place)", "recv t", by: client, tag: "\(number)")
                case "leases":
                    _ = try hub.send("x", on: "\(place)", by: c, tag: "\(place).\(number)")
                    _ = try hub.receive(from: "\(place)", by: client, lease: .seconds(90))
                default: _ = try hub.receive(from: "\(place)", by: client, tag: "\(number)")
                }
            }
            if kind == "once" { _ = try hub.open("\(place)", .once, by: client) }
        }
        _ = hub.takeLateReplies()
        for (place, client) in deciders.enumerated() {
            limit(&hub)
            hub.machine.cause = .client(client)
            switch kind {
            case "poison": _ = try hub.poison("\(place)", by: client)
            case "joined": _ = try hub.receive(from: "\(place)", by: client)
            case "once": _ = try hub.send("x", on: "\(place)", by: client)
            case "selects": hub.endInput(of: client)
            default: hub.disconnect(client)
            }
        }
        #expect(hub.machine.unfinished.count == deciders.count)
        var slices = 0
        // The other's work is done when only the hoarders' is left.
        while hub.machine.unfinished.count == deciders.count, slices < 10 * count {
            slice(&hub) { $0.machine.continueUnfinished() }
            slices += 1
        }
        #expect(slices <= 8 * count / steps)
        finish(&hub)
    }

    @Test("Broadcasts behind one whose receivers have left follow in slices")
    func broadcastsThatNobodyReceives() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .broadcast, by: a)
        _ = try hub.join(.receive, of: "c", by: b)
        for number in 0..<count { _ = try hub.send("x", on: "c", by: a, tag: "\(number)") }
        try slice(&hub) { _ = try $0.leave(.receive, of: "c", by: b) }
        hub.machine.sliceEnd = .max
        while !hub.machine.unfinished.isEmpty { slice(&hub) { $0.machine.continueUnfinished() } }
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("A counted receive takes many waiting messages in slices, in order")
    func countedReceiveInSlices() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<count { _ = try hub.send("m\(number)", on: "c", by: a, tag: "s\(number)") }
        try slice(&hub) { _ = try $0.stream(from: "c", by: b, tag: "r") }
        #expect(hub.machine.parkedCount > count / 2)
        finish(&hub)
        #expect(hub.machine.parkedCount == 1)
        let bodies = hub.takeLateReplies().compactMap { reply -> String? in
            guard case .message(_, let body, _)? = reply.reply else { return nil }
            return String(decoding: body, as: UTF8.self)
        }
        #expect(bodies == (0..<count).map { "m\($0)" })
        // It waits for the next message again.
        #expect(try hub.send("last", on: "c", by: a) == .done(.ok))
    }
}

extension Reply {
    fileprivate var isPoisoned: Bool { if case .poisoned = self { true } else { false } }
}
