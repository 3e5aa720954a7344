import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// What the connections of a principal may use together.
@Suite(.bounded) struct PrincipalLimitTests {
    private func principals(_ names: String..., limiting change: (inout PrincipalLimits) -> Void) -> Principals {
        var principals = Principals()
        for name in names {
            var principal = Principal(.unrestricted)
            _ = principal.add(token: "t")
            change(&principal.limits)
            _ = principals.add(name, principal)
        }
        _ = principals.add("root", token: "t")
        return principals
    }

    private func hub(limiting change: (inout PrincipalLimits) -> Void) -> TestHub {
        var hub = TestHub()
        hub.machine.adopt(principals("worker", limiting: change))
        return hub
    }

    @Test("A principal has at most its number of connections, also after that has changed")
    func connections() throws {
        var hub = hub { $0.connections = 2 }
        let worker = try channel("worker")
        for _ in 0..<2 { _ = try hub.connect(as: "worker") }
        let third = hub.connect()
        let refusal = hub.machine.authenticate(third, as: worker)
        #expect(refusal == WireError(.limit, "a principal may have at most 2 connections"))
        for _ in 0..<3 { _ = try hub.connect(as: "root") }
        hub.machine.adopt(principals("worker") { $0.connections = 3 })
        #expect(hub.machine.authenticate(third, as: worker) == nil)
    }

    @Test("A principal uses at most its share of memory, and others do not notice")
    func memory() throws {
        var hub = hub { $0.memory = 200_000 }
        let (worker, second, root) = (
            try hub.connect(as: "worker"), try hub.connect(as: "worker"), try hub.connect(as: "root")
        )
        let body = String(repeating: "x", count: 50_000)
        var outcomes: [Outcome] = []
        for number in 0..<5 { outcomes.append(try hub.send(body, on: "jobs", by: worker, tag: "t\(number)")) }
        let parked = outcomes.count { $0.isParked }
        #expect(parked == 3)
        guard case .done(.error(let error)) = outcomes[4] else { throw CancellationError() }
        #expect(
            error
                == WireError(
                    .limit, "the connections of an address or principal may use at most 200000 bytes of memory"))
        #expect(try hub.send(body, on: "jobs", by: second).refusal == .limit)
        for number in 0..<5 {
            #expect(try hub.send(body, on: "jobs", by: root, tag: "t\(number)").isParked)
        }
        hub.machine.adopt(principals("worker") { $0.memory = 400_000 })
        #expect(try hub.send(body, on: "jobs", by: second).isParked)
    }

    @Test("A principal declares at most its number of channels, and gets back those that it no longer uses")
    func declaredChannels() throws {
        var hub = hub { $0.declaredChannels = 3 }
        let (first, second) = (try hub.connect(as: "worker"), try hub.connect(as: "worker"))
        for number in 0..<3 { #expect(try hub.open("c/\(number)", by: number == 0 ? first : second) == .done(.ok)) }
        let refused = try hub.open("c/3", by: second)
        #expect(refused == .done(.error(WireError(.limit, "the principal may declare at most 3 channels"))))
        hub.disconnect(first)
        #expect(try hub.open("c/3", by: second) == .done(.ok))
        #expect(try hub.open("c/4", by: second).refusal == .limit)
        let root = try hub.connect(as: "root")
        for number in 5..<10 { #expect(try hub.open("c/\(number)", by: root) == .done(.ok)) }
    }

    @Test("Beyond its number of remembered sends, a principal's oldest ids are forgotten")
    func rememberedSends() throws {
        var hub = hub { $0.rememberedSends = 4 }
        let (worker, root) = (try hub.connect(as: "worker"), try hub.connect(as: "root"))
        for (sender, prefix) in [(root, "r"), (worker, "w")] {
            for number in 0..<10 {
                _ = try hub.receive(from: "jobs", by: root)
                _ = try hub.send("x", on: "jobs", by: sender, id: "\(prefix)\(number)")
            }
        }
        #expect(hub.machine.memory.deliveredCount == 14)
        let isKnown = try [("w5", worker), ("w6", worker), ("r0", root), ("r0", worker)].map {
            try hub.send("x", on: "jobs", by: $1, timeout: .zero, id: $0) == .done(.duplicate)
        }
        // Ids belong to principals.
        #expect(isKnown == [false, true, true, false])
    }

    @Test("Connections that do not authenticate give way to later ones of their address, the oldest first")
    func silentConnections() throws {
        let limits = limits { $0.maxConnections = 2 }
        try HubService.run(limits: limits, principals: principals("ops") { _ in }) { service in
            var silent = [try await service.connect()]
            for _ in 0..<2 {
                silent.append(try await service.connect())
                try await service.until { service.hub.connectionCount == 2 }
                let client = try await service.connect(as: "ops")
                try await silent.removeFirst().hearEnd(
                    after: "ERR limit the server is full, and a later connection of this address needs the place of"
                        + " this one; authenticate at once\n")
                #expect(try await client.ask("PING") == "OK")
                client.stream.close()
                try await service.until { service.hub.connectionCount == 1 }
            }
            silent[0].stream.close()
        }
    }

    @Test("A connection that gives way frees its place even if its client does not close its side")
    func stubbornConnections() throws {
        let limits = limits {
            $0.maxConnections = 8
            $0.lingerTimeout = .seconds(3600)
        }
        try HubService.run(limits: limits, principals: principals("ops") { _ in }) { service in
            var clients: [Client] = []
            for number in 1...100 {
                clients.append(try await service.connect())
                // Half of them have sent more than the hub takes from strangers, and linger already.
                if number % 2 == 0 { try await clients.last?.say(String(repeating: "x", count: 20_000)) }
                if number % 10 == 0 {
                    let client = try await service.connect(as: "ops")
                    #expect(try await client.ask("PING") == "OK")
                    clients.append(client)
                }
                try await service.until { service.hub.connectionCount <= 8 }
                if clients.count > 50 { clients.removeFirst(20) }
            }
        }
    }

    @Test("A full hub still admits the reserved connections of a principal")
    func reservedConnections() throws {
        let limits = limits { $0.maxConnections = 2 }
        let refusal = "ERR limit the server accepts at most 2 connections"
        try HubService.run(limits: limits, principals: principals("ops") { $0.reservedConnections = 2 }) { service in
            var others: [Client] = []
            for _ in 0..<2 { others.append(try await service.connect(as: "root")) }
            let late = try await service.connect()
            #expect(try await late.ask("AUTH root t") == refusal)
            late.stream.close()
            try await service.until { service.hub.connectionCount == 2 }
            var reserved: [Client] = []
            for _ in 0..<2 { reserved.append(try await service.connect(as: "ops")) }
            let third = try await service.connect()
            #expect(try await third.ask("AUTH ops t") == refusal)
            for client in others + reserved { client.stream.close() }
        }
    }
}
