import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Each bound on what a client may use, at the bound and past it.
@Suite(.timeLimit(.minutes(10))) struct LimitTests {
    private func limits(_ change: (inout HubLimits) -> Void) -> HubLimits {
        var limits = HubLimits()
        change(&limits)
        return limits
    }

    // MARK: Commands

    @Test func aLineThatIsTooLongIsRefusedAndTheConnectionGoesOn() throws {
        try Service.run(limits: limits { $0.wire.maxLineBytes = 100 }) { service in
            let client = try await service.connect()
            let longest = String(repeating: "x", count: 95)
            try await client.say("PING \(longest)\nPING \(longest)y\nPING\n")
            try await client.hear("DATA 95\n\(longest)\nERR too-long a line has at most 100 bytes\nOK\n")
        }
    }

    @Test func aBodyThatIsTooBigIsRefusedAndPassedOver() throws {
        try Service.run(limits: limits { $0.wire.maxBodyBytes = 10 }) { service in
            let client = try await service.connect()
            try await client.say("PING len=10\n0123456789\nPING len=11\nQUIT\n123456\nPING\n")
            try await client.hear(
                "DATA 10\n0123456789\nERR too-big the bodies of a command have at most 10 bytes together\nOK\n")
        }
    }

    @Test func aSelectWithTooManyArmsIsRefused() throws {
        try Service.run(limits: limits { $0.wire.maxSelectArms = 2 }) { service in
            let client = try await service.connect()
            try await client.say("SELECT recv a | else\nSELECT recv a | recv b | else\nPING\n")
            try await client.hear("ELSE arm=1\nERR limit a select has at most 2 arms\nOK\n")
        }
    }

    @Test func tooManyPendingTagsAreRefused() throws {
        try Service.run(limits: limits { $0.wire.maxPendingTags = 2 }) { service in
            let client = try await service.connect()
            try await client.say("#1 RECV a\n#2 RECV b\n#3 RECV c\n#3 PING\nCANCEL #1\n")
            let refusal = "#3 ERR limit a connection has at most 2 tagged commands pending\n"
            try await client.hear("\(refusal)#3 OK\nOK\n#1 CANCELLED\n")
            try await client.say("#3 RECV timeout=0 c\n")
            try await client.hear("#3 TIMEOUT\n")
        }
    }

    // MARK: Time

    @Test func aLineMustBeFinishedInTime() throws {
        try Service.run { service in
            let client = try await service.connect()
            try await client.say("PING\nPI")
            try await client.hear("OK\n")
            service.clock.advance(by: .seconds(6))
            // More of the same line does not begin the time anew.
            try await client.say("NG")
            let other = try await service.connect()
            try await other.say("PING\n")
            try await other.hear("OK\n")
            service.clock.advance(by: .seconds(4))
            try await client.hearEnd(after: "ERR limit a line must be finished within 10 s\n")
            client.stream.close()
            await service.until { service.hub.endings[.slowLine] == 1 }
            try await other.say("PING\n")
            try await other.hear("OK\n")
        }
    }

    @Test func anEndlessLineIsNotKeptAndMustEndInTime() throws {
        try Service.run { service in
            let client = try await service.connect()
            try await client.say(String(repeating: "x", count: 1 << 20))
            try await client.hear("ERR too-long a line has at most 8192 bytes\n")
            service.clock.advance(by: .seconds(10))
            try await client.hearEnd(after: "ERR limit a line must be finished within 10 s\n")
        }
    }

    @Test func aBodyMayTakeLongButMustNotStop() throws {
        try Service.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say("PING len=4\n")
            for _ in 0..<4 {
                try await client.say("x")
                try await other.say("PING\n")
                try await other.hear("OK\n")
                service.clock.advance(by: .seconds(9))
            }
            try await client.say("\nPING len=4\nx")
            try await client.hear("DATA 4\nxxxx\n")
            service.clock.advance(by: .seconds(10))
            try await client.hearEnd(after: "ERR limit a line must be finished within 10 s\n")
        }
    }

    @Test func whoIsSilentBetweenLinesMayStay() throws {
        try Service.run { service in
            let client = try await service.connect()
            try await client.say("PING\n")
            try await client.hear("OK\n")
            service.clock.advance(by: .seconds(100_000))
            try await client.say("#1 RECV a\nRECV timeout=1h b\nPI")
            await service.parked(2)
            service.clock.advance(by: .seconds(3599))
            try await client.say("NG\n")
            service.clock.advance(by: .seconds(1))
            try await client.hear("TIMEOUT\nOK\n")
        }
    }

    // MARK: Output

    @Test func whoDoesNotReadIsNotReadFromAndIsClosedInTheEnd() throws {
        try Service.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            let line = Array(("PING " + String(repeating: "x", count: 4000) + "\n").utf8)
            var accepted = 0
            var refusals = 0
            // The kernel's buffers fill up on both sides; then nothing more goes in, however often it is tried.
            while refusals < 1000 {
                switch line.withUnsafeBytes({ client.stream.tryWrite($0) }) {
                case .bytes(let count):
                    accepted += count
                    refusals = 0
                case .wouldBlock: refusals += 1
                case .failed(let errno): Issue.record("errno \(errno)")
                }
                await Task.yield()
            }
            #expect(accepted < 64 << 20)
            try await other.say("PING\n")
            try await other.hear("OK\n")
            #expect(service.hub.connectionCount == 2)
            service.clock.advance(by: .seconds(9))
            try await other.say("PING\n")
            try await other.hear("OK\n")
            #expect(service.hub.connectionCount == 2)
            // The kernel may find room for a little more meanwhile, from when on the time counts anew.
            await service.until {
                service.clock.advance(by: .seconds(1))
                return service.hub.endings[.stalled] == 1
            }
            #expect(service.hub.connectionCount == 1)
        }
    }

    @Test func whoReadsAgainLosesNothing() throws {
        try Service.run { service in
            let client = try await service.connect()
            let text = String(repeating: "x", count: 4000)
            let count = 5_000
            let writer = service.reactor.spawn {
                try await client.say(String(repeating: "PING \(text)\n", count: count))
            }
            for _ in 0..<1000 { await Task.yield() }
            #expect(writer.outcome == nil)
            try await client.hear(String(repeating: "DATA 4000\n\(text)\n", count: count))
            try await writer.join()
            try await client.say("QUIT\n")
            try await client.hearEnd(after: "OK\n")
        }
    }

    @Test func whoLetsTooManyMessagesWaitIsClosed() throws {
        try Service.run(limits: limits { $0.backlogBytes = 8 << 20 }) { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say((0..<64).map { "#\($0) RECV c\n" }.joined())
            await service.parked(64)
            let body = String(repeating: "x", count: 1 << 20)
            let writer = service.reactor.spawn {
                for number in 0..<64 { try await other.say("#\(number) SEND len=\(body.utf8.count) c\n\(body)\n") }
            }
            await service.until { service.hub.endings[.backlog] == 1 }
            #expect(service.hub.connectionCount == 1)
            try await writer.join()
        }
    }

    @Test func shortRepliesToHelpAreBoundedToo() throws {
        try Service.run { service in
            let client = try await service.connect()
            let help = String(decoding: Help(limits: Limits()).body(for: nil), as: UTF8.self)
            let count = 20_000
            let writer = service.reactor.spawn { try await client.say(String(repeating: "HELP\n", count: count)) }
            for _ in 0..<count { try await client.hear("DATA \(help.utf8.count)\n\(help)\n") }
            try await writer.join()
        }
    }

    // MARK: Input

    @Test func linesBehindAParkedCommandAreHeldInABoundedRoom() throws {
        try Service.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say("RECV a\n")
            await service.parked(1)
            let count = 4_000
            let text = String(repeating: "x", count: 4_000)
            let writer = service.reactor.spawn {
                try await client.say(String(repeating: "PING \(text)\n", count: count))
            }
            for _ in 0..<1000 { await Task.yield() }
            #expect(writer.outcome == nil, "TCP pushes back")
            try await other.say("SEND a x\n")
            try await client.hear("MSG a 1\nx\n")
            for _ in 0..<count { try await client.hear("DATA 4000\n\(text)\n") }
            try await writer.join()
        }
    }

    // MARK: Messages

    @Test func theMessagesThatAConnectionWaitsToSendHaveABound() throws {
        var floor = Floor(limits: limits { $0.parkedBytes = 10 })
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("12345", on: "c", by: a, tag: "1")
        #expect(try floor.select("send d 123456", "recv e", by: a).refusal == .limit)
        #expect(try floor.select("send d 12", "send e 345", by: a, tag: "2").isParked)
        #expect(try floor.send("1", on: "f", by: a).refusal == .limit)
        #expect(try floor.send("", on: "f", by: a, tag: "3").isParked)
        #expect(try floor.send("123456789", on: "f", by: b, tag: "4").isParked, "each has its own")
        #expect(try floor.receive(from: "c", by: b) == .done(.message("12345", from: "c")))
        #expect(try floor.send("54321", on: "c", by: a, tag: "5").isParked)
        floor.disconnect(a)
        floor.disconnect(b)
        floor.expectEmpty()
    }

    @Test func aMessageThatNeedNotWaitFitsAlways() throws {
        var floor = Floor(limits: limits { $0.parkedBytes = 10 })
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("b", .buffer(1), by: a)
        _ = try floor.send("1234567890", on: "c", by: a, tag: "1")
        _ = try floor.receive(from: "d", by: b)
        #expect(try floor.send("x", on: "d", by: a) == .done(.ok))
        #expect(try floor.send("x", on: "b", by: a) == .done(.ok))
    }

    @Test func whatIsWithReceiversCountsAsWaiting() throws {
        var floor = Floor(limits: limits { $0.parkedBytes = 10 })
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("b", .buffer(2), by: a)
        _ = try floor.open("w", .broadcast, by: a)
        _ = try floor.join(.receive, of: "w", by: b)
        _ = try floor.receive(from: "c", by: b, tag: "r", lease: .seconds(1))
        _ = try floor.receive(from: "c", by: b, tag: "q", lease: .seconds(1))
        #expect(try floor.send("1234567890", on: "c", by: a, tag: "1").isParked)
        #expect(try floor.send("x", on: "c", by: a).refusal == .limit)
        #expect(try floor.send("x", on: "w", by: a).refusal == .limit)
        #expect(try floor.send("x", on: "b", by: a, until: .taken).refusal == .limit)
        #expect(try floor.select("send c x", "recv e", by: a).refusal == .limit)
        #expect(floor.machine.clients[a]?.parkedBytes == 10)
    }

    @Test func whatAllChannelsKeepHasABound() throws {
        var floor = Floor(limits: limits { $0.keptBytes = 10 })
        let (a, b) = (floor.connect(), floor.connect())
        for name in ["b", "d"] { _ = try floor.open(name, .buffer(2), by: a) }
        _ = try floor.open("v", .once, by: a)
        #expect(try floor.send("12345", on: "b", by: a) == .done(.ok))
        #expect(try floor.send("1234", on: "d", by: a) == .done(.ok))
        #expect(try floor.send("12", on: "b", by: a).refusal == .limit)
        #expect(try floor.send("12", on: "v", by: a).refusal == .limit)
        _ = try floor.receive(from: "v", by: b, tag: "v")
        #expect(try floor.send("12", on: "v", by: a).refusal == .limit, "it would be kept for others")
        #expect(try floor.receive(from: "b", by: b) == .done(.message("12345", from: "b")))
        #expect(try floor.send("12", on: "v", by: a) == .done(.ok))
        #expect(floor.machine.totals.keptBytes == 6)
        #expect(try floor.close("v", by: a) == .done(.ok))
        #expect(try floor.send("12345", on: "b", by: a).refusal == .limit, "the value is there for a while")
        floor.pass(.seconds(100))
        #expect(try floor.send("123456", on: "b", by: a) == .done(.ok))
    }

    @Test func whatIsWithReceiversIsKeptOrItsSenderWaits() throws {
        var floor = Floor(limits: limits { $0.keptBytes = 10 })
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("b", .buffer(5), by: a)
        for tag in ["1", "2"] { _ = try floor.receive(from: "b", by: b, tag: tag, lease: .seconds(1)) }
        #expect(try floor.send("1234567", on: "b", by: a) == .done(.ok))
        #expect(try floor.send("7654321", on: "b", by: a, tag: "s").isParked)
        let held = floor.deliveries()
        #expect(held.count == 2)
        for delivery in held { #expect(floor.ack(delivery, by: b) == .done(.ok)) }
        #expect(floor.news() == [News(a, "s", .ok)])
        #expect(floor.machine.totals.keptBytes == 0)
    }

    @Test func aSenderThatHasWaitedForRoomIsRefusedWhereItsMessageIsTooMuch() throws {
        var floor = Floor(limits: limits { $0.keptBytes = 20 })
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("b", .buffer(2), by: a)
        for _ in 0..<2 { _ = try floor.send("1234", on: "b", by: a) }
        for (tag, count) in [("1", 12), ("2", 12), ("3", 12), ("4", 8)] {
            #expect(try floor.send(String(repeating: "x", count: count), on: "b", by: a, tag: tag).isParked)
        }
        #expect(try floor.receive(from: "b", by: b) == .done(.message("1234", from: "b")))
        #expect(floor.news() == [News(a, "1", .ok)])
        #expect(try floor.receive(from: "b", by: b) == .done(.message("1234", from: "b")))
        let news = floor.news()
        #expect(news.map(\.tag) == [Tag("2"), Tag("3"), Tag("4")])
        #expect(news.map(\.refusal) == [.limit, .limit, nil])
        #expect(floor.machine.totals.keptBytes == 20)
    }

    // MARK: Leases

    @Test func leasesAreBoundedAndSoAreThoseThatReceivesMayTake() throws {
        var floor = Floor(limits: limits { $0.maxLeases = 3 })
        let (a, b) = (floor.connect(), floor.connect())
        for number in 0..<4 { _ = try floor.send("\(number)", on: "c", by: a, tag: "\(number)") }
        let second = Duration.seconds(1)
        #expect(try floor.receive(from: "c", by: b, lease: second).delivery != nil)
        #expect(try floor.receive(from: "d", by: b, tag: "1", lease: second).isParked)
        #expect(try floor.select("recv lease=1s new", "recv lease=1s d", by: b, tag: "2").isParked)
        #expect(try floor.receive(from: "c", by: b, lease: second).refusal == .limit)
        #expect(try floor.select("recv e", "recv lease=1s unknown", by: b).refusal == .limit)
        #expect(try floor.stream(from: "c", by: b, tag: "s", lease: second).refusal == .limit)
        #expect(try floor.receive(from: "c", by: b).isParked == false, "without a lease")
        #expect(try floor.receive(from: "c", by: a, lease: second).delivery != nil, "each has its own")
        for text in ["1", "2"] { #expect(try floor.send(text, on: "d", by: a, tag: text + "d").isParked) }
        #expect(floor.machine.clients[b]?.leaseCount == 3)
        #expect(floor.machine.clients[b]?.reservedLeases == 0)
    }

    @Test func aWindowCountsAsLeases() throws {
        var floor = Floor(limits: limits { $0.maxLeases = 3 })
        let (a, b) = (floor.connect(), floor.connect())
        let second = Duration.seconds(1)
        #expect(try floor.stream(from: "c", by: b, tag: "1", lease: second, window: 4).refusal == .limit)
        #expect(try floor.stream(from: "c", by: b, tag: "1", lease: second, window: .max).refusal == .limit)
        let stream = try #require(try floor.stream(from: "c", by: b, tag: "1", lease: second, window: 2).parked)
        #expect(try floor.stream(from: "c", by: b, tag: "2", lease: second, window: 2).refusal == .limit)
        _ = try floor.send("x", on: "c", by: a)
        #expect(try floor.stream(from: "c", by: b, tag: "2", lease: second, window: 2).refusal == .limit)
        floor.cancel(stream)
        #expect(try floor.stream(from: "c", by: b, tag: "2", lease: second, window: 2).isParked)
        #expect(floor.machine.clients[b]?.reservedLeases == 2)
    }

    @Test func aSelectThatHasSentReservesNoLease() throws {
        var floor = Floor(limits: limits { $0.maxLeases = 1 })
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.select("recv lease=1s c", "send d x", by: a, tag: "s")
        #expect(try floor.receive(from: "e", by: a, tag: "r", lease: .seconds(1)).refusal == .limit)
        let delivery = try #require(try floor.receive(from: "d", by: b, lease: .seconds(1)).delivery)
        #expect(try floor.receive(from: "e", by: a, tag: "r", lease: .seconds(1)).isParked)
        _ = floor.ack(delivery, by: b)
        #expect(floor.machine.clients[a]?.reservedLeases == 1)
    }

    // MARK: What is declared

    @Test func channelsThatWereOpenedAreBounded() throws {
        var floor = Floor(limits: limits { $0.maxDeclaredChannels = 2 })
        let a = floor.connect()
        for name in ["a", "b"] { #expect(try floor.open(name, .buffer(1), by: a) == .done(.ok)) }
        #expect(try floor.open("c", .buffer(1), by: a).refusal == .limit)
        #expect(try floor.open("a", .buffer(1), by: a) == .done(.ok), "it is there")
        #expect(floor.machine.channels.count == 2)
        _ = try floor.close("a", by: a)
        #expect(try floor.open("c", .buffer(1), by: a) == .done(.ok))
        #expect(try floor.open("a", .buffer(1), by: a).refusal == .limit)
    }

    @Test func endsAreBounded() throws {
        var floor = Floor(limits: limits { $0.maxEnds = 2 })
        let a = floor.connect()
        _ = try floor.join(.send, of: "a", by: a)
        _ = try floor.join(.receive, of: "a", by: a)
        #expect(try floor.join(.send, of: "b", by: a).refusal == .limit)
        #expect(try floor.join(.send, of: "a", by: a) == .done(.ok))
        #expect(floor.machine.channels.count == 1)
        _ = try floor.leave(.receive, of: "a", by: a)
        #expect(try floor.join(.send, of: "b", by: a) == .done(.ok))
        #expect(try floor.join(.send, of: "c", by: a).refusal == .limit, "an end of a channel that has ended counts")
    }

    @Test func tracersAreBounded() throws {
        var floor = Floor(limits: limits { $0.maxTracers = 1 })
        let (a, b) = (floor.connect(), floor.connect())
        let trace = try #require(try floor.trace(by: a, tag: "t").parked)
        #expect(try floor.trace(by: b, tag: "t").refusal == .limit)
        floor.cancel(trace)
        #expect(try floor.trace(by: b, tag: "t").isParked)
    }

    // MARK: Memory

    @Test func tombstonesAreBoundedInNumberAndLife() throws {
        var floor = Floor(
            limits: limits {
                $0.maxTombstones = 2
                $0.tombstoneLife = .seconds(10)
            })
        let a = floor.connect()
        for name in ["a", "b", "c"] { _ = try floor.close(name, by: a) }
        #expect(floor.machine.channels.tombstoneCount == 2)
        #expect(try floor.receive(from: "a", by: a, timeout: .zero) == .done(.timeout), "the oldest one has gone")
        #expect(try floor.receive(from: "b", by: a, timeout: .zero) == .done(.closed("b")))
        floor.pass(.seconds(11))
        #expect(floor.machine.channels.tombstoneCount == 0)
        #expect(try floor.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        floor.expectEmpty()
    }

    @Test func rememberedSendsAreBoundedInNumberAndLife() throws {
        var floor = Floor(
            limits: limits {
                $0.maxRememberedSends = 2
                $0.sendMemoryLife = .seconds(10)
            })
        let (a, b) = (floor.connect(), floor.connect())
        for id in ["1", "2", "3"] {
            _ = try floor.receive(from: "c", by: b)
            #expect(try floor.send("x", on: "c", by: a, id: id) == .done(.ok))
        }
        #expect(floor.machine.memory.deliveredCount == 2)
        #expect(try floor.send("x", on: "c", by: a, timeout: .zero, id: "1") == .done(.timeout), "it is forgotten")
        #expect(try floor.send("x", on: "c", by: a, id: "2") == .done(.duplicate))
        floor.pass(.seconds(11))
        #expect(floor.machine.memory.deliveredCount == 0)
        #expect(try floor.send("x", on: "c", by: a, timeout: .zero, id: "3") == .done(.timeout))
        floor.expectEmpty()
    }
}
