import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// The timer with which a hub waits for its deadlines.
@Suite(.bounded) struct HubAlarmTests {
    @Test("A hub has one timer, however often an earlier deadline replaces a later one")
    func aHubHasOneTimer() throws {
        try HubService.run { service in
            let client = try await service.connect()
            let before = service.reactor.timerCount
            let rounds = (1...200).map { "#t RECV timeout=\(1000 - $0)s c\nCANCEL #t\n" }
            try await client.say(rounds.joined())
            try await client.hear(String(repeating: "OK\n#t CANCELLED\n", count: rounds.count))
            #expect(service.reactor.timerCount <= before + 1)
        }
    }

    @Test("A later deadline still ends its operation after an earlier one was withdrawn")
    func laterDeadlinesStillRing() throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("#a RECV timeout=10s c\n#b RECV timeout=5s c\nCANCEL #b\n")
            try await client.hear("OK\n#b CANCELLED\n")
            service.clock.advance(by: .seconds(5))
            try await client.say("PING\n")
            try await client.hear("OK\n")
            service.clock.advance(by: .seconds(5))
            try await client.hear("#a TIMEOUT\n")
        }
    }
}
