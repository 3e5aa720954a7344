import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Guessing tokens is slow, and does not delay other clients.
@Suite(.bounded) struct AuthenticationThrottleTests {
    private typealias Key = AuthenticationThrottle.Key
    private let second: UInt64 = 1_000_000_000

    private func key(_ address: UInt32, _ principal: String?) throws -> Key {
        Key(origin: .ipv4(address), principal: try principal.map { try channel($0) })
    }

    @Test("The delay grows with each wrong token, up to a second, and ends after a minute without one")
    func delaysGrow() throws {
        var throttle = AuthenticationThrottle()
        let alice = try key(1, "alice")
        var delays: [AuthenticationThrottle.Decision] = []
        for _ in 0..<10 {
            let delay = throttle.attempt(alice, isRight: false, at: 5)
            delays.append(delay)
            if delay != .now { throttle.decided(alice) }
        }
        let milliseconds: [UInt64] = [50, 100, 200, 400, 800, 1000, 1000]
        #expect(delays == [.now, .now, .now] + milliseconds.map { .later($0 * 1_000_000) })
        let late = throttle.attempt(alice, isRight: true, at: 60 * second)
        throttle.decided(alice)
        #expect(late == .later(second))
        let later = throttle.attempt(alice, isRight: true, at: 60 * second + 5)
        #expect(later == .now)
    }

    @Test("Guesses delay neither another principal nor another address")
    func delaysAreApart() throws {
        var throttle = AuthenticationThrottle()
        let (alice, bob, elsewhere) = (try key(1, "alice"), try key(1, "bob"), try key(2, "alice"))
        for _ in 0..<1000 { _ = throttle.attempt(alice, isRight: false, at: 5) }
        for _ in 0..<1000 { _ = throttle.attempt(try key(1, nil), isRight: false, at: 5) }
        let decisions = [bob, elsewhere].map { throttle.attempt($0, isRight: true, at: 5) }
        #expect(decisions == [.now, .now])
    }

    @Test("Few guesses of one address for one principal wait at a time")
    func waitingIsBounded() throws {
        var throttle = AuthenticationThrottle()
        let alice = try key(1, "alice")
        var decided = 0
        for _ in 0..<10_000 where throttle.attempt(alice, isRight: false, at: 5) != .never { decided += 1 }
        #expect(decided == AuthenticationThrottle.freeFailures + AuthenticationThrottle.maxWaiting)
        throttle.decided(alice)
        let next = throttle.attempt(alice, isRight: true, at: 5)
        #expect(next == .later(second))
    }

    @Test("Any number of addresses takes bounded memory, and old ones are forgotten")
    func recordsAreBounded() throws {
        var throttle = AuthenticationThrottle()
        for number in 0..<20_000 {
            let key = throttle.key(try key(UInt32(number), "alice"), at: 5)
            _ = throttle.attempt(key, isRight: false, at: 5)
        }
        #expect(throttle.records.count <= AuthenticationThrottle.maxRecords + 1)
        let late = try key(30_000, "alice")
        let key = throttle.key(late, at: 61 * second)
        #expect(key == late)
    }

    @Test("Guesses from many addresses are bounded together, and do not delay addresses that the principal has used")
    func manyAddressesAreBounded() throws {
        var throttle = AuthenticationThrottle()
        let (home, office) = (try key(1, "alice"), try key(2, "alice"))
        let first = throttle.attempt(home, isRight: true, at: 5)
        #expect(first == .now)
        var counts: [AuthenticationThrottle.Decision: Int] = [:]
        for address: UInt32 in 100..<2100 {
            counts[throttle.attempt(try key(address, "alice"), isRight: false, at: 5), default: 0] += 1
        }
        let bounds = (AuthenticationThrottle.freeFailuresOfAll, AuthenticationThrottle.maxWaitingOfAll)
        #expect(counts == [.now: bounds.0, .later(second): bounds.1, .never: 2000 - bounds.0 - bounds.1])
        let others = [home, office, try key(2, "bob")].map { throttle.attempt($0, isRight: true, at: 5) }
        #expect(others == [.now, .never, .now])
        throttle.decided(try key(100 + UInt32(bounds.0), "alice"))
        let newcomer = throttle.attempt(office, isRight: true, at: 5)
        throttle.decided(office)
        let known = throttle.attempt(office, isRight: true, at: 5)
        #expect([newcomer, known] == [.later(second), .now])
        let later = throttle.attempt(try key(3, "alice"), isRight: true, at: 61 * second)
        #expect(later == .now)
    }

    // MARK: Connections

    private func users(_ tokens: [String: String] = ["alice": "s3cret", "bob": "x"]) -> Principals {
        var users = Principals()
        for (name, token) in tokens { _ = users.add(name, token: token) }
        return users
    }

    /// Sends wrong tokens for alice, without waiting for delayed answers.
    private func guess(_ count: Int, _ service: HubService) async throws -> [Client] {
        var clients: [Client] = []
        for _ in 0..<count {
            let client = try await service.connect()
            try await client.say("AUTH alice guess\n")
            clients.append(client)
        }
        return clients
    }

    /// The number of attempts that wait for their decision.
    private func waiting(_ service: HubService) -> Int {
        service.hub.share(of: service.reactor).delayedAuthentications.count
    }

    private let denied = "ERR denied unknown principal or wrong token\n"

    @Test("After wrong tokens, a right one is decided later, and the lines behind it wait and run")
    func aRightTokenIsDecidedLater() throws {
        try HubService.run(principals: users()) { service in
            for client in try await guess(3, service) { try await client.hearEnd(after: denied) }
            let guesser = try await guess(1, service)[0]
            let (alice, bob) = (try await service.connect(), try await service.connect())
            try await alice.say("AUTH alice s3cret\nPING hello\n")
            try alice.finishSending()
            try await bob.say("AUTH bob x\nPING\n")
            try await bob.hear("OK\nOK\n")
            service.clock.advance(by: .milliseconds(50))
            try await guesser.hearEnd(after: denied)
            try await alice.hearEnd(after: "OK\nDATA 5\nhello\n")
        }
    }

    @Test("A client that leaves before its token is decided still counts as waiting")
    func leavingDoesNotHelp() throws {
        try HubService.run(principals: users()) { service in
            for client in try await guess(3, service) { try await client.hearEnd(after: denied) }
            let guessers = try await guess(16, service)
            try await service.until { waiting(service) == 16 }
            for client in guessers { client.stream.close() }
            let client = try await service.connect()
            try await client.say("AUTH alice s3cret\n")
            try await service.until { waiting(service) == 17 }
            service.clock.advance(by: .seconds(1))
            try await client.hearEnd(
                after: "ERR denied too many clients of this address try to authenticate; try again\n")
            client.stream.close()
            try await service.until { service.hub.connectionCount == 0 }
            let late = try await service.connect()
            try await late.say("AUTH alice s3cret\n")
            try await service.until { waiting(service) == 1 }
            service.clock.advance(by: .seconds(1))
            try await late.hear("OK\n")
        }
    }

    // MARK: Changed users

    @Test("A user that was removed or has another token is disconnected, and others are not", arguments: [true, false])
    func revokedUsersAreDisconnected(isRemoved: Bool) throws {
        try HubService.run(principals: users()) { service in
            let (alice, bob) = (try await service.connect(), try await service.connect())
            try await alice.say("AUTH alice s3cret\n#r RECV c\n")
            try await bob.say("AUTH bob x\n")
            try await alice.hear("OK\n")
            try await bob.hear("OK\n")
            try await service.parked(1)
            let changed = isRemoved ? ["bob": "x"] : ["bob": "x", "alice": "other"]
            service.hub.change(limits: HubLimits(), principals: users(changed))
            let end = isRemoved ? "ERR denied this client has no permission for RECV c" : "CANCELLED closing"
            try await alice.hearEnd(
                after: "#r \(end)\n"
                    + "ERR denied the principal of this connection was removed, or its token has changed\n")
            alice.stream.close()
            try await service.until { service.hub.endings[.revoked] == 1 }
            try await bob.say("PING\n")
            try await bob.hear("OK\n")
        }
    }

    @Test("The first users disconnect every client that has not authenticated")
    func firstUsersDisconnectEverybody() throws {
        try HubService.run { service in
            let clients = [try await service.connect(), try await service.connect()]
            for client in clients {
                try await client.say("PING\n")
                try await client.hear("OK\n")
            }
            service.hub.change(limits: HubLimits(), principals: users())
            for client in clients {
                try await client.hearEnd(after: "ERR auth-required authenticate first: AUTH principal token\n")
            }
        }
    }
}
