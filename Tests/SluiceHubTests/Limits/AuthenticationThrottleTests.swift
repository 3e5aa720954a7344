import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Guessing tokens is slow, and does not delay other clients.
@Suite(.bounded) struct AuthenticationThrottleTests {
    private let second: UInt64 = 1_000_000_000

    /// Attempts to authenticate, as a client of an address does.
    private func attempt(
        _ throttle: inout AuthenticationThrottle, _ address: UInt32, _ name: String, isRight: Bool = false,
        at now: UInt64 = 5, isDecided: Bool = false
    ) throws -> AuthenticationThrottle.Decision {
        let principal = try channel(name)
        let key = throttle.key(for: principal, from: .ipv4(address), at: now)
        let decision = throttle.attempt(key, for: principal, from: .ipv4(address), isRight: isRight, at: now)
        if isDecided, case .later = decision { throttle.decided(key, for: principal) }
        return decision
    }

    @Test("The delay grows with each wrong token, up to a second, and ends after a minute without one")
    func delaysGrow() throws {
        var throttle = AuthenticationThrottle()
        var delays: [AuthenticationThrottle.Decision] = []
        for _ in 0..<10 { delays.append(try attempt(&throttle, 1, "alice", isDecided: true)) }
        let milliseconds: [UInt64] = [50, 100, 200, 400, 800, 1000, 1000]
        #expect(delays == [.now, .now, .now] + milliseconds.map { .later($0 * 1_000_000) })
        let late = try attempt(&throttle, 1, "alice", isRight: true, at: 60 * second, isDecided: true)
        #expect(late == .later(second))
        let later = try attempt(&throttle, 1, "alice", isRight: true, at: 60 * second + 5)
        #expect(later == .now)
    }

    @Test("Guesses delay neither another address, nor a principal that has authenticated from the same address")
    func delaysAreApart() throws {
        var throttle = AuthenticationThrottle()
        #expect(try attempt(&throttle, 1, "bob", isRight: true) == .now)
        for _ in 0..<1000 { _ = try attempt(&throttle, 1, "alice") }
        #expect(try attempt(&throttle, 1, "bob", isRight: true) == .now)
        #expect(try attempt(&throttle, 2, "carol", isRight: true) == .now)
    }

    @Test("The delays do not tell whether a principal exists")
    func delaysTellNothing() throws {
        // The attempts of an attacker with a list of names: with a new throttle for each place of the name that exists,
        // which has authenticated from another address, the delays are the same.
        let names = (0..<40).map { "name\($0)" }
        func delays(existing: String?) throws -> [AuthenticationThrottle.Decision] {
            var throttle = AuthenticationThrottle()
            if let existing { _ = try attempt(&throttle, 9, existing, isRight: true) }
            return try names.map { try attempt(&throttle, 1, $0, isDecided: true) }
        }
        let expected = try delays(existing: nil)
        for name in names { #expect(try delays(existing: name) == expected) }
    }

    @Test("Few guesses of one address wait at a time")
    func waitingIsBounded() throws {
        var throttle = AuthenticationThrottle()
        var decided = 0
        for _ in 0..<10_000 where try attempt(&throttle, 1, "alice") != .never { decided += 1 }
        #expect(decided == AuthenticationThrottle.freeFailures + AuthenticationThrottle.maxWaiting)
        let alice = try channel("alice")
        throttle.decided(throttle.key(for: alice, from: .ipv4(1), at: 5), for: alice)
        let next = try attempt(&throttle, 1, "alice", isRight: true)
        #expect(next == .later(second))
    }

    @Test("Any number of addresses and names takes bounded memory, and old ones are forgotten")
    func recordsAreBounded() throws {
        var throttle = AuthenticationThrottle()
        for number in 0..<20_000 { _ = try attempt(&throttle, UInt32(number), "alice\(number)") }
        #expect(throttle.records.count <= AuthenticationThrottle.maxRecords + 1)
        let key = throttle.key(for: try channel("alice"), from: .ipv4(30_000), at: 61 * second)
        #expect(key.origin == .ipv4(30_000))
    }

    @Test("Guesses from many addresses are bounded together, and do not delay addresses that the principal has used")
    func manyAddressesAreBounded() throws {
        var throttle = AuthenticationThrottle()
        #expect(try attempt(&throttle, 1, "alice", isRight: true) == .now)
        var counts: [AuthenticationThrottle.Decision: Int] = [:]
        for address: UInt32 in 100..<2100 { counts[try attempt(&throttle, address, "alice"), default: 0] += 1 }
        let bounds = (AuthenticationThrottle.freeFailuresOfAll, AuthenticationThrottle.maxWaitingOfAll)
        #expect(counts == [.now: bounds.0, .later(second): bounds.1, .never: 2000 - bounds.0 - bounds.1])
        #expect(try attempt(&throttle, 1, "alice", isRight: true) == .now)
        #expect(try attempt(&throttle, 2, "alice", isRight: true) == .never)
        let alice = try channel("alice")
        let first = 100 + UInt32(bounds.0)
        throttle.decided(throttle.key(for: alice, from: .ipv4(first), at: 5), for: alice)
        let newcomer = try attempt(&throttle, 2, "alice", isRight: true, isDecided: true)
        #expect(newcomer == .later(second))
        #expect(try attempt(&throttle, 2, "alice", isRight: true) == .now)
        #expect(try attempt(&throttle, 3, "alice", isRight: true, at: 61 * second) == .now)
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
            let first = try await service.connect()
            try await first.say("AUTH bob x\n")
            try await first.hear("OK\n")
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
                after: "ERR denied too many clients of this address or principal try to authenticate; try again\n")
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
                    + "ERR denied the principal of this connection was removed, or what proved it has changed\n")
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
