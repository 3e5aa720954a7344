import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// The limits of connections: in all, per address and per principal.
@Suite(.bounded) struct ConnectionLimitTests {
    @Test("A connection over the limit gets an error and is closed")
    func aConnectionOverTheLimitIsClosed() throws {
        try HubService.run(limits: limits { $0.maxConnections = 2 }) { service in
            let (first, second) = (try await service.connect(), try await service.connect())
            for client in [first, second] {
                try await client.say("PING\n")
                try await client.hear("OK\n")
            }
            let third = try await service.connect()
            try await third.hearEnd(after: "ERR limit the server accepts at most 2 connections\n")
            #expect(service.hub.endings == [.tooMany: 1])
            second.stream.close()
            try await service.until { service.hub.connectionCount == 1 }
            let fourth = try await service.connect()
            try await fourth.say("PING\n")
            try await fourth.hear("OK\n")
        }
    }

    @Test("The connections of one address are limited")
    func connectionsPerAddressAreLimited() throws {
        try HubService.run(limits: limits { $0.maxConnectionsPerAddress = 2 }) { service in
            let (first, second) = (try await service.connect(), try await service.connect())
            for client in [first, second] {
                try await client.say("PING\n")
                try await client.hear("OK\n")
            }
            let third = try await service.connect()
            try await third.hearEnd(after: "ERR limit an address may have at most 2 connections\n")
            #expect(service.hub.endings == [.tooManyOfAddress: 1])
            second.stream.close()
            try await service.until { service.hub.connectionCount == 1 }
            let fourth = try await service.connect()
            try await fourth.say("INFO format=json\n")
            try await fourth.hear("DATA ")
            #expect(try await (fourth.hearLine() + fourth.hearLine()).contains(#""refusedConnections":1"#))
        }
    }

    @Test("An IPv6 /64 network counts as one address")
    func anIPv6NetworkCountsAsOneAddress() {
        let own = ClientOrigin(.ipv6(0x2001_0db8_0000_0001_0000_0000_0000_0001, port: 1))
        #expect(own == ClientOrigin(.ipv6(0x2001_0db8_0000_0001_ffff_ffff_ffff_ffff, port: 2)))
        #expect(own != ClientOrigin(.ipv6(0x2001_0db8_0000_0002_0000_0000_0000_0001, port: 1)))
        #expect(ClientOrigin(.ipv4(0x7f00_0001, port: 1)) == ClientOrigin(.ipv4(0x7f00_0001, port: 2)))
        #expect(ClientOrigin(.ipv4(0x7f00_0001, port: 1)) != ClientOrigin(.ipv4(0x7f00_0002, port: 1)))
        #expect(ClientOrigin(.unix(path: "/s")) == nil)
    }

    @Test("The connections of one principal are limited")
    func connectionsPerPrincipalAreLimited() throws {
        var users = Principals()
        _ = users.add("alice", token: "a")
        _ = users.add("bob", token: "b")
        try HubService.run(limits: limits { $0.maxConnectionsPerPrincipal = 1 }, principals: users) { service in
            let (first, second) = (try await service.connect(), try await service.connect())
            try await first.say("AUTH alice a\nAUTH alice a\n")
            try await first.hear("OK\nOK\n")
            try await second.say("#x AUTH alice a\nPING\n")
            try await second.hearEnd(after: "#x ERR limit a principal may have at most 1 connections\n")
            second.stream.close()
            try await service.until { service.hub.endings[.tooManyOfPrincipal] == 1 }
            // A client that authenticates as another principal frees its place.
            try await first.say("AUTH bob b\n")
            try await first.hear("OK\n")
            let third = try await service.connect()
            try await third.say("AUTH alice a\n")
            try await third.hear("OK\n")
            third.stream.close()
            try await service.until { service.hub.connectionCount == 1 }
            let fourth = try await service.connect()
            try await fourth.say("AUTH alice a\n")
            try await fourth.hear("OK\n")
        }
    }

    @Test("Changed users and connection limits apply to later clients")
    func changedLimitsApplyToLaterClients() throws {
        try HubService.run(limits: limits { $0.maxConnections = 1 }) { service in
            let first = try await service.connect()
            try await first.say("PING\n")
            try await first.hear("OK\n")
            var users = Principals()
            _ = users.add("alice", token: "a")
            service.hub.change(
                limits: limits {
                    $0.maxConnections = 2
                    $0.maxEnds = 0
                    $0.wire.maxLineBytes = 600
                }, principals: users)
            try await first.hearEnd(after: "ERR auth-required authenticate first: AUTH principal token\n")
            first.stream.close()
            let second = try await service.connect()
            try await second.say("SEND timeout=0 c x\nAUTH alice a\n")
            try await second.hear("ERR auth-required authenticate first: AUTH principal token\nOK\n")
            try await second.say("JOIN end=send c\nHELLO\n")
            try await second.hear("ERR limit a connection may join at most 0 ends of channels\n")
            #expect(try await second.hearLine().contains("max-line=8192"))
            try await service.until { service.hub.connectionCount == 1 }
            let third = try await service.connect()
            try await third.say("AUTH alice a\n")
            try await third.hear("OK\n")
            // The reserve lets it in until it has authenticated.
            let fourth = try await service.connect()
            try await fourth.say("AUTH alice a\n")
            try await fourth.hearEnd(after: "ERR limit the server accepts at most 2 connections\n")
        }
    }

    // MARK: The reserve

    private func hub(connections: Int) throws -> (Hub, [ReactorShare]) {
        let reactor = try Reactor()
        let hub = Hub(on: reactor, limits: limits { $0.maxConnections = connections }, epoch: 1)
        return (hub, [hub.share(of: reactor)])
    }

    private func isAdmitted(_ origin: ClientOrigin?, _ hub: Hub, _ shares: [ReactorShare]) -> Bool {
        if case .admitted = hub.enter("client", from: origin, on: shares) { true } else { false }
    }

    @Test("An address that takes every connection leaves a reserve for others, and nobody uses all of it")
    func aReserveIsForOthers() throws {
        let (hub, shares) = try hub(connections: 128)
        for _ in 0..<128 { #expect(isAdmitted(.ipv4(1), hub, shares)) }
        #expect(!isAdmitted(.ipv4(1), hub, shares))
        // A 64th of 128 is 2.
        let second = (0..<4).map { _ in isAdmitted(.ipv4(2), hub, shares) }
        #expect(second == [true, true, false, false])
        #expect(isAdmitted(.user(1000), hub, shares))
        #expect(isAdmitted(.ipv6Network(7), hub, shares))
        let others = (10..<100).count { isAdmitted(.ipv4($0), hub, shares) }
        #expect(others == 128 / 8 - 4)
        #expect(hub.connectionCount == 128 + 128 / 8)
    }

    @Test("With users, the reserve is shared by principals, not by addresses")
    func theReserveIsForPrincipals() throws {
        var users = Principals()
        for name in ["alice", "bob"] { _ = users.add(name, token: "t") }
        try HubService.run(limits: limits { $0.maxConnections = 2 }, principals: users) { service in
            let clients = [try await service.connect(), try await service.connect()]
            for client in clients {
                try await client.say("AUTH alice t\n")
                try await client.hear("OK\n")
            }
            let third = try await service.connect()
            try await third.say("AUTH alice t\n")
            try await third.hearEnd(after: "ERR limit the server accepts at most 2 connections\n")
            third.stream.close()
            try await service.until { service.hub.connectionCount == 2 }
            let fourth = try await service.connect()
            try await fourth.say("AUTH bob t\n")
            try await fourth.hear("OK\n")
            for client in clients { client.stream.close() }
        }
    }

    @Test("A client on a Unix-domain socket counts for the user of its process")
    func unixClientsCountByUser() throws {
        let own = ClientOrigin(.unix(path: "/s"), user: 1000)
        #expect(own == .user(1000) && own != ClientOrigin(.unix(path: "/s"), user: 1001))
        #expect(own?.isAddress == false)
    }
}
