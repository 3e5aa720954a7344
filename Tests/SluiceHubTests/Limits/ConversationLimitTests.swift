import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// The limits on a connection's commands, time, input and output, at the limit and past it.
@Suite(.bounded) struct ConversationLimitTests {
    // MARK: Commands

    @Test("A line that is too long is refused, and the connection goes on")
    func aLineThatIsTooLongIsRefusedAndTheConnectionGoesOn() throws {
        try HubService.run(limits: limits { $0.wire.maxLineBytes = 100 }) { service in
            let client = try await service.connect()
            let longest = String(repeating: "x", count: 95)
            try await client.say("PING \(longest)\nPING \(longest)y\nPING\n")
            try await client.hear("DATA 95\n\(longest)\nERR too-long a line may have at most 100 bytes\nOK\n")
        }
    }

    @Test("A body that is too big is refused and skipped")
    func aBodyThatIsTooBigIsSkipped() throws {
        try HubService.run(limits: limits { $0.wire.maxBodyBytes = 10 }) { service in
            let client = try await service.connect()
            try await client.say("PING len=10\n0123456789\nPING len=11\nQUIT\n123456\nPING\n")
            try await client.hear(
                "DATA 10\n0123456789\nERR too-big the bodies of a command may have at most 10 bytes together\nOK\n")
        }
    }

    @Test("A select with too many arms is refused")
    func aSelectWithTooManyArmsIsRefused() throws {
        try HubService.run(limits: limits { $0.wire.maxSelectArms = 2 }) { service in
            let client = try await service.connect()
            try await client.say("SELECT recv a | else\nSELECT recv a | recv b | else\nPING\n")
            try await client.hear("ELSE arm=1\nERR limit a select may have at most 2 arms\nOK\n")
        }
    }

    @Test("A tagged command over the limit of pending tags is refused")
    func tooManyPendingTagsAreRefused() throws {
        try HubService.run(limits: limits { $0.wire.maxPendingTags = 2 }) { service in
            let client = try await service.connect()
            try await client.say("#1 RECV a\n#2 RECV b\n#3 RECV c\n#3 PING\nCANCEL #1\n")
            let refusal = "#3 ERR limit a connection may have at most 2 tagged commands pending\n"
            try await client.hear("\(refusal)#3 OK\nOK\n#1 CANCELLED\n")
            try await client.say("#3 RECV timeout=0 c\n")
            try await client.hear("#3 TIMEOUT\n")
        }
    }

    // MARK: Time

    @Test("A line that is not finished in time ends the connection")
    func aLineMustBeFinishedInTime() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("PING\nPI")
            try await client.hear("OK\n")
            service.clock.advance(by: .seconds(6))
            // More bytes of the same line do not restart the time.
            try await client.say("NG")
            let other = try await service.connect()
            try await other.say("PING\n")
            try await other.hear("OK\n")
            service.clock.advance(by: .seconds(4))
            try await client.hearEnd(after: "ERR limit a line must be finished within 10 s\n")
            client.stream.close()
            try await service.until { service.hub.endings[.slowLine] == 1 }
            try await other.say("PING\n")
            try await other.hear("OK\n")
        }
    }

    @Test("An endless line is not kept, and must end in time")
    func anEndlessLineIsNotKeptAndMustEndInTime() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say(String(repeating: "x", count: 1 << 20))
            try await client.hear("ERR too-long a line may have at most 8192 bytes\n")
            service.clock.advance(by: .seconds(10))
            try await client.hearEnd(after: "ERR limit a line must be finished within 10 s\n")
        }
    }

    @Test("An endless line that goes on arriving must end in time, too")
    func anEndlessLineThatGoesOnMustEndInTime() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say("PING\n" + String(repeating: "x", count: 10_000))
            try await client.hear("OK\nERR too-long a line may have at most 8192 bytes\n")
            for seconds in [6, 3] {
                service.clock.advance(by: .seconds(seconds))
                try await client.say("xxx")
                try await other.say("PING\n")
                try await other.hear("OK\n")
            }
            service.clock.advance(by: .seconds(1))
            try await client.hearEnd(after: "ERR limit a line must be finished within 10 s\n")
        }
    }

    @Test("A body may take long if each piece comes in time")
    func aBodyMayTakeLongButMustNotStop() throws {
        try HubService.run { service in
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

    @Test("A client may be silent between lines")
    func aClientMayBeSilentBetweenLines() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("PING\n")
            try await client.hear("OK\n")
            service.clock.advance(by: .seconds(100_000))
            try await client.say("#1 RECV a\nRECV timeout=1h b\nPI")
            try await service.parked(2)
            service.clock.advance(by: .seconds(3599))
            try await client.say("NG\n")
            service.clock.advance(by: .seconds(1))
            try await client.hear("TIMEOUT\nOK\n")
        }
    }

    // MARK: Output

    @Test("A client that does not read its replies is no longer read from")
    func aClientThatDoesNotReadItsRepliesIsNotReadFrom() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            let line = Array(("PING " + String(repeating: "x", count: 4000) + "\n").utf8)
            var accepted = 0
            var refusals = 0
            // The kernel's buffers fill up on both sides; then the socket takes no more, however often it is tried.
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
        }
    }

    @Test("A client that takes none of its replies for 10 s is closed")
    func aClientThatTakesNoRepliesIsClosed() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            // The client owes nothing: it sends whole commands, and their replies exceed the kernel's buffers.
            let count = 32
            try await client.say((0..<count).map { "#\($0) RECV c\n" }.joined())
            try await service.parked(count)
            let body = String(repeating: "x", count: 1 << 20)
            for _ in 0..<count {
                try await other.say("SEND len=\(body.utf8.count) c\n\(body)\n")
                try await other.hear("OK\n")
            }
            service.clock.advance(by: .seconds(9))
            try await other.say("PING\n")
            try await other.hear("OK\n")
            #expect(service.hub.connectionCount == 2)
            // The kernel may take a few more bytes meanwhile, which restarts the time.
            try await service.until {
                service.clock.advance(by: .seconds(1))
                return service.hub.endings[.stalled] == 1
            }
            #expect(service.hub.connectionCount == 1)
        }
    }

    @Test("A client that reads again after a pause loses nothing")
    func aClientThatReadsAgainLosesNothing() throws {
        try HubService.run { service in
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

    @Test("A client with too many unread bytes of messages is closed")
    func aClientWithTooLargeABacklogIsClosed() throws {
        try HubService.run(limits: limits { $0.backlogBytes = 8 << 20 }) { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say((0..<64).map { "#\($0) RECV c\n" }.joined())
            try await service.parked(64)
            let body = String(repeating: "x", count: 1 << 20)
            let writer = service.reactor.spawn {
                for number in 0..<64 { try await other.say("#\(number) SEND len=\(body.utf8.count) c\n\(body)\n") }
            }
            try await service.until { service.hub.endings[.backlog] == 1 }
            #expect(service.hub.connectionCount == 1)
            try await writer.join()
        }
    }

    @Test("Long replies to short lines stay within the bound of the output")
    func longRepliesToShortLinesAreBounded() throws {
        try HubService.run { service in
            let client = try await service.connect()
            let help = String(decoding: Help(limits: Limits()).body(for: nil), as: UTF8.self)
            let count = 20_000
            let writer = service.reactor.spawn { try await client.say(String(repeating: "HELP\n", count: count)) }
            for _ in 0..<count { try await client.hear("DATA \(help.utf8.count)\n\(help)\n") }
            try await writer.join()
        }
    }

    // MARK: Input

    @Test("The input behind a parked command is bounded")
    func inputBehindAParkedCommandIsBounded() throws {
        try HubService.run { service in
            let (client, other) = (try await service.connect(), try await service.connect())
            try await client.say("RECV a\n")
            try await service.parked(1)
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
}
