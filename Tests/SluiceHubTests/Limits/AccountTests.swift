import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// The account of memory: what clients make the hub keep is charged, bounded, and discharged.
@Suite struct AccountTests {
    /// What one connection may use.
    private static let share = 1 << 20

    private static let small = limits { $0.memory = 8 * share }

    /// A command that makes the hub keep something, again and again.
    struct Hoard: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let prepare: @Sendable (inout TestHub, ConnectionID) throws -> Void
        let step: @Sendable (inout TestHub, ConnectionID, Int) throws -> Outcome

        init(
            _ name: String,
            prepare: @escaping @Sendable (inout TestHub, ConnectionID) throws -> Void = { _, _ in },
            _ step: @escaping @Sendable (inout TestHub, ConnectionID, Int) throws -> Outcome
        ) {
            testDescription = name
            self.prepare = prepare
            self.step = step
        }
    }

    static let hoards = [
        Hoard("receives") { try $0.receive(from: "c\($2)", by: $1, tag: "\($2)") },
        Hoard("receives with a timeout") {
            try $0.receive(from: "c\($2)", by: $1, tag: "\($2)", timeout: .seconds(3600))
        },
        Hoard("receives with a lease") { try $0.receive(from: "c\($2)", by: $1, tag: "\($2)", lease: .seconds(9)) },
        Hoard("counted receives") { try $0.stream(from: "c\($2)", by: $1, tag: "\($2)") },
        Hoard("windows") { try $0.stream(from: "c\($2)", by: $1, tag: "\($2)", lease: .seconds(9), window: 1000) },
        Hoard("sends with an empty body") { try $0.send("", on: "c\($2)", by: $1, tag: "\($2)") },
        Hoard("sends with ids") { try $0.send("", on: "c", by: $1, tag: "\($2)", id: "\($2)") },
        Hoard("sends joined to one id") {
            let outcome = try $0.send("", on: "c", by: $1, tag: "\($2)", id: "same")
            // The first of them still waits, so a refusal says that the outcome is in doubt.
            return outcome == .done(.maybe("limit")) ? .done(.error(WireError(.limit, ""))) : outcome
        },
        Hoard("selects") {
            try $0.select("recv a\($2)", "recv b\($2)", "send c\($2) x", "barrier d\($2)", by: $1, tag: "\($2)")
        },
        Hoard("barriers") { try $0.barrier("c\($2)", 2, by: $1, tag: "\($2)") },
        Hoard("ends") { try $0.join(.send, of: "c\($2)", by: $1) },
        Hoard("declared channels") { try $0.open("c\($2)", .buffer(1), by: $1) },
        Hoard("buffered messages", prepare: { _ = try $0.open("b", .buffer(.max), by: $1) }) { hub, client, _ in
            try hub.send("", on: "b", by: client)
        },
        Hoard("buffered messages with ids", prepare: { _ = try $0.open("b", .buffer(.max), by: $1) }) {
            try $0.send("", on: "b", by: $1, id: "\($2)")
        },
        Hoard("leased messages", prepare: { _ = try $0.open("b", .buffer(.max), by: $1) }) { hub, client, _ in
            if case let reply = try hub.send("", on: "b", by: client), reply.refusal != nil { return reply }
            return try hub.receive(from: "b", by: client, lease: .seconds(9))
        },
        Hoard("answers to calls with ids") { hub, client, number in
            if case let reply = try hub.call("", on: "c", by: client, tag: "\(number)", id: "\(number)"),
                !reply.isParked
            {
                return reply
            }
            let delivery = try hub.receive(from: "c", by: client, lease: .seconds(9)).delivery
            let answer = String(repeating: "x", count: 1000)
            return hub.ack(try #require(delivery), by: client, answer: answer)
        },
        Hoard("messages returned with a delay") { hub, client, number in
            if case let reply = try hub.send("", on: "c\(number)", by: client, tag: "\(number)"), !reply.isParked {
                return reply
            }
            let delivery = try hub.receive(from: "c\(number)", by: client, lease: .seconds(9)).delivery
            return try hub.nack(#require(delivery), by: client, delay: .seconds(3600))
        },
    ]

    @Test(
        "What a client makes the hub keep is bounded by its share, and the next command is answered ERR limit",
        arguments: hoards)
    func aHoardIsBounded(hoard: Hoard) throws {
        var hub = TestHub(
            limits: limits {
                $0.memory = 8 * Self.share
                // Only the memory bounds the hoard.
                ($0.maxEnds, $0.maxLeases, $0.maxDeclaredChannels, $0.maxRememberedSends) = (.max, .max, .max, .max)
            })
        let client = hub.connect()
        try hoard.prepare(&hub, client)
        var refusal: WireError.Code?
        var count = 0
        while refusal == nil, count < 20_000 {
            refusal = try hoard.step(&hub, client, count).refusal
            count += 1
        }
        #expect(refusal == .limit)
        #expect(count > 100 || hoard.testDescription == "windows")
        let charged = try #require(hub.machine.clients[client]).charged
        // A message that comes back needs its place, whether there is memory for it or not.
        #expect(charged <= Self.share + ObjectSize.returned)
        #expect(charged > Self.share / 4 * 3)
        #expect(hub.machine.account.used == charged)
        let other = hub.connect()
        #expect(try hub.receive(from: "c", by: other, tag: "r").refusal == nil, "another client is served")
        hub.disconnect(client)
        var names: [String] = []
        hub.machine.channels.forEach { names.append($0.name.description) }
        for name in names { _ = try hub.poison(name, by: other) }
        hub.disconnect(other)
        hub.pass(.seconds(7200))
        #expect(hub.machine.account.used == 0, "everything is given back")
    }

    @Test("A message that outlives its connection stays charged to its address, until it is received")
    func keptMessagesStayCharged() throws {
        var hub = TestHub(limits: Self.small)
        let (a, b) = (hub.connect(from: 1), hub.connect(from: 2))
        _ = try hub.open("b", .buffer(10), by: b)
        let holder = try #require(hub.machine.clients[a]).holder
        #expect(try hub.send("hello", on: "b", by: a) == .done(.ok))
        hub.disconnect(a)
        #expect(holder.used >= ObjectSize.record + 5)
        #expect(try hub.receive(from: "b", by: b) == .done(.message("hello", from: "b")))
        #expect(holder.used == 0)
    }

    @Test("A leased message whose sender has gone stays charged until the lease ends")
    func orphanedLeasesStayCharged() throws {
        var hub = TestHub(limits: Self.small)
        let (a, b) = (hub.connect(from: 1), hub.connect(from: 2))
        let holder = try #require(hub.machine.clients[a]).holder
        _ = try hub.send(String(repeating: "x", count: 1000), on: "c", by: a, tag: "s")
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(5)).delivery)
        hub.disconnect(a)
        #expect(holder.used >= 1000)
        #expect(hub.nack(delivery, by: b) == .done(.ok))
        #expect(holder.used == 0)
    }

    @Test("Connections with little use are served when others have used up the share of their address")
    func smallConnectionsAreGuaranteed() throws {
        var hub = TestHub(limits: Self.small)
        let hoarders = (0..<6).map { _ in hub.connect() }
        for hoarder in hoarders {
            var number = 0
            while try hub.receive(from: "c\(number)", by: hoarder, tag: "\(number)").refusal == nil { number += 1 }
        }
        let used = try #require(hub.machine.clients[hoarders[0]]).holder.used
        #expect(used <= 4 * Self.share)
        let small = hub.connect()
        for number in 0..<50 {
            #expect(try hub.receive(from: "d\(number)", by: small, tag: "\(number)").isParked)
        }
        let elsewhere = hub.connect(from: 2)
        for number in 0..<1000 {
            #expect(try hub.receive(from: "e\(number)", by: elsewhere, tag: "\(number)").isParked)
        }
    }

    @Test("Memory that was freed in small pieces counts for the whole, except for connections with little use")
    func memoryBetweenObjectsCounts() throws {
        var hub = TestHub(limits: Self.small)
        let (hoarder, small) = (hub.connect(), hub.connect(from: 2))
        for number in 0..<500 {
            #expect(try hub.receive(from: "c\(number)", by: hoarder, tag: "\(number)").isParked)
        }
        // Everything that the bounds permit is occupied, although little is charged.
        hub.machine.account.noteMemory(occupied: 52 << 20)
        #expect(try hub.receive(from: "c", by: hoarder, tag: "more").refusal == .limit)
        #expect(try hub.receive(from: "c", by: small, tag: "more").isParked)
        hub.machine.account.noteMemory(occupied: 40 << 20)
        #expect(try hub.receive(from: "c", by: hoarder, tag: "again").isParked)
    }

    @Test("Gaps count as memory of the address that has freed the pieces, also for its connections with little use")
    func gapsOfAnAddress() throws {
        var hub = TestHub(limits: Self.small)
        let (rest, elsewhere) = (hub.connect(), hub.connect(from: 2))
        let hoarders = (0..<3).map { _ in hub.connect() }
        for hoarder in hoarders {
            for number in 0..<1500 { _ = try hub.receive(from: "c\(number)", by: hoarder, tag: "\(number)") }
        }
        for number in 0..<500 { _ = try hub.receive(from: "d\(number)", by: elsewhere, tag: "\(number)") }
        hub.machine.account.noteMemory(occupied: 40 << 20)
        for hoarder in hoarders { hub.disconnect(hoarder) }
        while !hub.machine.unfinished.isEmpty { hub.machine.continueUnfinished() }
        // Gaps of 5 MiB, more than an address may use.
        let used = hub.machine.account.used
        hub.machine.account.noteMemory(occupied: 40 << 20 + (used + 5 << 20) / 2 * 3)
        #expect(try hub.receive(from: "c", by: rest, tag: "1").refusal == .limit)
        for number in 0..<500 {
            #expect(try hub.receive(from: "e\(number)", by: elsewhere, tag: "e\(number)").isParked)
        }
        // The pages are returned.
        hub.machine.account.noteMemory(occupied: 40 << 20)
        #expect(try hub.receive(from: "c", by: rest, tag: "2").isParked)
    }

    @Test("A client that authenticates is charged to its principal")
    func authenticationMovesTheCharge() throws {
        var hub = TestHub(limits: Self.small)
        let a = hub.connect()
        let address = try #require(hub.machine.clients[a]).holder
        _ = try hub.receive(from: "c", by: a, tag: "1")
        let used = address.used
        #expect(try hub.machine.authenticate(a, as: channel("alice")) == nil)
        #expect(address.used == 0)
        #expect(hub.machine.clients[a]?.holder.used == used)
        hub.disconnect(a)
        #expect(hub.machine.account.used == 0)
    }

    // MARK: Eviction

    @Test("One client's ids never make the hub forget another client's", arguments: [1, 2] as [UInt32])
    func idsOfOthersAreRemembered(network: UInt32) throws {
        var hub = TestHub(limits: limits { $0.maxRememberedSends = 100 })
        let (a, b, c) = (hub.connect(), hub.connect(from: network), hub.connect())
        _ = try hub.open("b", .buffer(1000), by: c)
        #expect(try hub.send("once", on: "b", by: a, id: "mine") == .done(.ok))
        hub.disconnect(a)
        for number in 0..<500 { #expect(try hub.send("x", on: "b", by: b, id: "\(number)") == .done(.ok)) }
        #expect(hub.machine.memory.deliveredCount == 100)
        #expect(try hub.send("once", on: "b", by: hub.connect(), id: "mine") == .done(.duplicate))
        #expect(try hub.send("x", on: "b", by: b, id: "499") == .done(.duplicate))
    }

    @Test("Many connections of one address do not make the hub forget the ids of another address")
    func idsOfOtherAddressesAreRemembered() throws {
        var hub = TestHub(limits: limits { $0.maxRememberedSends = 100 })
        let (a, c) = (hub.connect(from: 1), hub.connect(from: 3))
        _ = try hub.open("b", .buffer(1000), by: c)
        for number in 0..<20 { #expect(try hub.send("x", on: "b", by: a, id: "a\(number)") == .done(.ok)) }
        for number in 0..<300 {
            let b = hub.connect(from: 2)
            #expect(try hub.send("x", on: "b", by: b, id: "b\(number)") == .done(.ok))
            hub.disconnect(b)
        }
        for number in 0..<20 { #expect(try hub.send("x", on: "b", by: a, id: "a\(number)") == .done(.duplicate)) }
    }

    /// Sends two messages with ids on `b`, and ends two channels.
    private func leaveTwoIDsAndNames(in hub: inout TestHub, by client: ConnectionID) throws {
        for id in ["1", "2"] { #expect(try hub.send("x", on: "b", by: client, id: id) == .done(.ok)) }
        for name in ["c", "d"] { _ = try hub.close(name, by: client) }
    }

    /// Expects that the hub remembers what `leaveTwoIDsAndNames` has left.
    private func expectTwoIDsAndNames(in hub: inout TestHub, by client: ConnectionID) throws {
        for id in ["1", "2"] { #expect(try hub.send("x", on: "b", by: client, id: id) == .done(.duplicate)) }
        for name in ["c", "d"] {
            #expect(try hub.receive(from: name, by: client, timeout: .zero) == .done(.closed(name)))
        }
    }

    @Test("Very many addresses do not make the hub forget the ids, or free the names, that are guaranteed to another")
    func guaranteedElementsAreKept() throws {
        var hub = TestHub(
            limits: limits {
                $0.maxRememberedSends = 2048
                $0.maxTombstones = 2048
            })
        let (a, c) = (hub.connect(from: 1), hub.connect(from: 2))
        _ = try hub.open("b", .buffer(10_000), by: c)
        try leaveTwoIDsAndNames(in: &hub, by: a)
        for network in 3..<2100 as Range<UInt32> {
            let other = hub.connect(from: network)
            for number in 0..<2 {
                #expect(try hub.send("x", on: "b", by: other, id: "\(network).\(number)") == .done(.ok))
                _ = try hub.close("c\(network).\(number)", by: other)
            }
            hub.disconnect(other)
        }
        #expect(hub.machine.memory.deliveredCount == 2 * 2098)
        #expect(try hub.send("x", on: "b", by: c, id: "3.0") == .done(.duplicate))
        #expect(hub.machine.channels.tombstoneCount == 2 * 2098)
        try expectTwoIDsAndNames(in: &hub, by: a)
        hub.pass(.seconds(200))
        #expect(hub.machine.memory.deliveredCount == 0)
        #expect(hub.machine.channels.tombstoneCount == 0)
    }

    @Test("Very many short connections do not make the hub forget what is guaranteed to another of the same address")
    func guaranteedElementsOfAConnectionAreKept() throws {
        var hub = TestHub(
            limits: limits {
                $0.maxRememberedSends = 8192
                $0.maxTombstones = 8192
            })
        let (a, c) = (hub.connect(), hub.connect(from: 2))
        _ = try hub.open("b", .buffer(20_000), by: c)
        try leaveTwoIDsAndNames(in: &hub, by: a)
        for number in 0..<9000 {
            let other = hub.connect()
            #expect(try hub.send("x", on: "b", by: other, id: "o\(number)") == .done(.ok))
            _ = try hub.close("c\(number)", by: other)
            hub.disconnect(other)
        }
        try expectTwoIDsAndNames(in: &hub, by: a)
        // The ids of `c` beyond its guarantee count towards the limit. Beyond the limit, its oldest ids are forgotten.
        for number in 0..<9000 {
            #expect(try hub.send("x", on: "b", by: c, id: "c\(number)", until: .accepted).isParked == false)
            _ = try hub.receive(from: "b", by: c, timeout: .zero)
        }
        #expect(hub.machine.memory.deliveredCount == 9002 + 8192)
        #expect(try hub.send("x", on: "b", by: c, id: "c8999") == .done(.duplicate))
        #expect(try hub.send("x", on: "b", by: c, id: "c0") == .done(.ok))
        for id in ["1", "2"] { #expect(try hub.send("x", on: "b", by: a, id: id) == .done(.duplicate)) }
    }

    @Test("The number of guaranteed ids changes with the limit")
    func changedLimitOfIDs() throws {
        var hub = TestHub(limits: limits { $0.maxRememberedSends = 4096 })
        let (a, b) = (hub.connect(from: 1), hub.connect(from: 2))
        _ = try hub.open("b", .buffer(10_000), by: b)
        for number in 0..<100 { #expect(try hub.send("x", on: "b", by: a, id: "a\(number)") == .done(.ok)) }
        for number in 0..<40 { #expect(try hub.send("x", on: "b", by: b, id: "b\(number)") == .done(.ok)) }
        hub.machine.memory.keepDelivered(for: .seconds(120), maxCount: 60)
        while hub.machine.memory.prune(at: hub.machine.now, atMost: 8) > 0 {}
        #expect(hub.machine.memory.deliveredCount == 60)
        hub.machine.memory.keepDelivered(for: .seconds(120), maxCount: 32_768)
        for number in 200..<400 { #expect(try hub.send("x", on: "b", by: a, id: "a\(number)") == .done(.ok)) }
        hub.machine.memory.keepDelivered(for: .seconds(120), maxCount: 0)
        while hub.machine.memory.prune(at: hub.machine.now, atMost: 8) > 0 {}
        #expect(hub.machine.memory.deliveredCount == 0)
    }

    @Test("Guaranteed ids take no more memory than all clients may use: further ones are refused")
    func guaranteedIDsAreCharged() throws {
        var hub = TestHub(
            limits: limits {
                $0.maxRememberedSends = 1024
                $0.memory = 4 << 20
            })
        let (a, r) = (hub.connect(from: 1), hub.connect(from: 2))
        _ = try hub.open("c", .buffer(9), by: r)
        #expect(try hub.send("x", on: "c", by: a, id: "mine") == .done(.ok))
        var (network, refusal): (UInt32, WireError.Code?) = (3, nil)
        while refusal == nil, network < 10_000 {
            let other = hub.connect(from: network)
            let outcome = try hub.send("x", on: "c", by: other, id: "\(network)")
            refusal = outcome.refusal
            if refusal == nil { #expect(outcome == .done(.ok)) }
            _ = try hub.receive(from: "c", by: r, timeout: .zero)
            hub.disconnect(other)
            network += 1
        }
        #expect(refusal == .limit)
        #expect(network > 2000)
        #expect(hub.machine.account.used <= 4 << 20)
        #expect(try hub.send("x", on: "c", by: a, id: "mine") == .done(.duplicate))
    }

    @Test("One client's ended channels never free the names of another client's")
    func tombstonesOfOthersAreKept() throws {
        var hub = TestHub(limits: limits { $0.maxTombstones = 10 })
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.close("mine", by: a)
        for number in 0..<50 { _ = try hub.close("c\(number)", by: b) }
        #expect(hub.machine.channels.tombstoneCount == 10)
        #expect(try hub.receive(from: "mine", by: b, timeout: .zero) == .done(.closed("mine")))
    }

    @Test("Channels declared by a connection that has gone give way, the oldest first, unless they are in use")
    func unusedDeclarationsGiveWay() throws {
        var hub = TestHub(limits: limits { $0.maxDeclaredChannels = 3 })
        let a = hub.connect()
        for name in ["a", "b", "c"] { #expect(try hub.open(name, .buffer(1), by: a) == .done(.ok)) }
        let b = hub.connect()
        #expect(try hub.open("d", .buffer(1), by: b) == .done(.ok), "each connection has its own limit")
        _ = try hub.send("kept", on: "a", by: b)
        hub.disconnect(a)
        #expect(try hub.open("e", .buffer(1), by: b) == .done(.ok))
        #expect(hub.machine.channels.existing(try channel("b")) == nil)
        #expect(hub.machine.channels.existing(try channel("c")) == nil)
        #expect(try hub.receive(from: "a", by: b) == .done(.message("kept", from: "a")))
        #expect(hub.machine.channels.declaredCount == 3)
        for name in ["a", "d", "e"] { _ = try hub.close(name, by: b) }
        hub.disconnect(b)
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    @Test("Short connections that leave messages behind do not use up the reserves", arguments: [1, 2] as [UInt32])
    func shortConnectionsLeaveReserves(addresses: UInt32) throws {
        var hub = TestHub(limits: limits { $0.memory = 16 << 20 })
        for network in 1...addresses {
            var isRefused = false
            for number in 0..<300 where !isRefused {
                let client = hub.connect(from: network)
                isRefused = try hub.open("\(network).\(number)", .buffer(200), by: client).refusal != nil
                for _ in 0..<200 where !isRefused {
                    isRefused = try hub.send("", on: "\(network).\(number)", by: client).refusal == .limit
                }
                hub.disconnect(client)
            }
            #expect(isRefused)
        }
        // Another connection of the same address can still wait, and other addresses can do everything.
        let neighbour = hub.connect(from: 1)
        if addresses == 1 { #expect(try hub.receive(from: "c", by: neighbour, tag: "r").isParked) }
        for network in 3..<9 as Range<UInt32> {
            let other = hub.connect(from: network)
            #expect(try hub.open("own.\(network)", .buffer(10), by: other) == .done(.ok))
            #expect(try hub.send("x", on: "own.\(network)", by: other, id: "i") == .done(.ok))
            #expect(try hub.receive(from: "other.\(network)", by: other, tag: "r").isParked)
        }
    }

    @Test("Short connections that leave long messages behind do not fill the buffers of all channels for others")
    func shortConnectionsLeaveKeptBytes() throws {
        var hub = TestHub(limits: limits { $0.keptBytes = 16 << 20 })
        for network in 1...2 as ClosedRange<UInt32> {
            var (isRefused, number) = (false, 0)
            while !isRefused, number < 2000 {
                let client = hub.connect(from: network)
                let text = String(repeating: "x", count: number < 300 ? 60_000 : 1000)
                _ = try hub.open("\(network).\(number)", .buffer(9), by: client)
                isRefused = try hub.send(text, on: "\(network).\(number)", by: client).refusal == .limit
                hub.disconnect(client)
                number += 1
            }
            #expect(isRefused)
        }
        let other = hub.connect(from: 3)
        _ = try hub.open("own", .buffer(10), by: other)
        #expect(try hub.send("x", on: "own", by: other) == .done(.ok))
    }

    @Test("One client's messages do not fill the buffers of all channels for others")
    func keptBytesLeaveAReserve() throws {
        var limits = HubLimits()
        limits.keptBytes = 16 << 20
        var hub = TestHub(limits: limits)
        let (hoarder, second, other) = (hub.connect(), hub.connect(), hub.connect(from: 2))
        _ = try hub.open("b", .buffer(65_536), by: hoarder)
        let text = String(repeating: "x", count: 60_000)
        func fill(_ hub: inout TestHub, _ client: ConnectionID) throws -> Int {
            var sent = 0
            while try hub.send(text, on: "b", by: client) == .done(.ok) { sent += 1 }
            return sent
        }
        let first = try fill(&hub, hoarder)
        #expect((13_000_000...15_000_000).contains(first * text.utf8.count))
        // Each further connection of the same address may use a little, until half of the rest is left for others.
        let more = try fill(&hub, second)
        #expect(more == 1)
        for _ in 0..<40 { _ = try fill(&hub, hub.connect()) }
        #expect(hub.machine.totals.keptBytes <= (16 << 20) - (1 << 20))
        #expect(try hub.send(text, on: "b", by: other) == .done(.ok))
        // What a receiver has taken no longer counts.
        for _ in 0..<first { _ = try hub.receive(from: "b", by: other) }
        #expect(try hub.send(text, on: "b", by: hoarder) == .done(.ok))
    }
}
