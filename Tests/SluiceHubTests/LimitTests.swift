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

    // MARK: Connections

    @Test func aConnectionTooManyIsToldSoAndClosed() throws {
        try Service.run(limits: limits { $0.maxConnections = 2 }) { service in
            let (first, second) = (try await service.connect(), try await service.connect())
            for client in [first, second] {
                try await client.say("PING\n")
                try await client.hear("OK\n")
            }
            let third = try await service.connect()
            try await third.hearEnd(after: "ERR limit the server has 2 connections, and takes no more\n")
            #expect(service.hub.endings == [.tooMany: 1])
            second.stream.close()
            await service.until { service.hub.connectionCount == 1 }
            let fourth = try await service.connect()
            try await fourth.say("PING\n")
            try await fourth.hear("OK\n")
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
}
