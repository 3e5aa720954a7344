import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Broadcast channels in the state machine.
@Suite struct BroadcastTests {
    /// Opens the broadcast channel `c`, and returns new clients.
    private func open(_ hub: inout TestHub, _ count: Int) throws -> [ConnectionID] {
        let clients = (0..<count).map { _ in hub.connect() }
        _ = try hub.open("c", .broadcast, by: clients[0])
        return clients
    }

    @Test("Every parked receiver gets a broadcast message")
    func everyReceiverThatWaitsGetsTheMessage() throws {
        var hub = TestHub()
        let clients = try open(&hub, 4)
        for client in clients.dropFirst() { #expect(try hub.receive(from: "c", by: client, tag: "r").isParked) }
        #expect(try hub.send("x", on: "c", by: clients[0]) == .done(.ok(receivers: 3)))
        #expect(
            try hub.takeLateReplies() == clients.dropFirst().map { try LateReply($0, "r", .message("x", from: "c")) })
        #expect(hub.machine.parkedCount == 0)
        #expect(hub.machine.totals.handoffs == 3)
    }

    @Test(
        "A message that no receiver has ends with the last joined receiver", arguments: [DeathPolicy.retire, .poison])
    func theLastReceiverEndsTheRound(policy: DeathPolicy) throws {
        var hub = TestHub()
        let clients = try open(&hub, 2)
        _ = try hub.join(.receive, of: "c", by: clients[1], onDeath: policy)
        #expect(try hub.send("x", on: "c", by: clients[0], tag: "1", need: 1).isParked)
        #expect(try hub.send("y", on: "c", by: clients[0], tag: "2").isParked)
        hub.disconnect(clients[1])
        let words = hub.takeLateReplies().map { reply in
            switch reply.reply {
            case .closed: "CLOSED"
            case .poisoned: "POISONED"
            default: String(describing: reply.reply)
            }
        }
        let word = policy == .poison ? "POISONED" : "CLOSED"
        #expect(words == [word, word])
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("A broadcast with need= goes on waiting when all its receivers leave before they have it")
    func aRoundWithoutReceiversWaitsForOthers() throws {
        var hub = TestHub()
        let clients = try open(&hub, 4)
        for client in clients[1...2] { _ = try hub.join(.receive, of: "c", by: client) }
        #expect(try hub.send("x", on: "c", by: clients[0], tag: "1", need: 2).isParked)
        #expect(try hub.leave(.receive, of: "c", by: clients[1]) == .done(.ok))
        #expect(try hub.receive(from: "c", by: clients[2]) == .done(.message("x", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "1", .maybe("receivers"))])
        #expect(try hub.send("y", on: "c", by: clients[0], tag: "2", need: 1).isParked)
        _ = try hub.join(.receive, of: "c", by: clients[3])
        #expect(try hub.leave(.receive, of: "c", by: clients[2]) == .done(.ok))
        #expect(hub.takeLateReplies().isEmpty, "nobody has the message, and need= is not met")
        #expect(try hub.receive(from: "c", by: clients[3]) == .done(.message("y", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "2", .ok(receivers: 1))])
    }

    @Test("A broadcast without receivers is done at once")
    func withoutReceiversItIsDoneAtOnce() throws {
        var hub = TestHub()
        let clients = try open(&hub, 1)
        #expect(try hub.send("x", on: "c", by: clients[0]) == .done(.ok(receivers: 0)))
        #expect(try hub.receive(from: "c", by: clients[0], timeout: .zero) == .done(.timeout))
    }

    @Test("A broadcast with need= waits for that many receivers")
    func aBroadcastWithNeedWaitsForReceivers() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        #expect(try hub.send("x", on: "c", by: clients[0], timeout: .zero, need: 1) == .done(.timeout))
        #expect(try hub.send("x", on: "c", by: clients[0], tag: "s", need: 2).isParked)
        #expect(try hub.receive(from: "c", by: clients[1], tag: "r").isParked)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(try hub.receive(from: "c", by: clients[2], tag: "r").isParked)
        let received = try clients.dropFirst().map { try LateReply($0, "r", .message("x", from: "c")) }
        #expect(hub.takeLateReplies() == received + [LateReply(clients[0], "s", .ok(receivers: 2))])
    }

    @Test("Withdrawing a parked broadcast lets the next one run")
    func withdrawingASendLetsTheNextOneRun() throws {
        var hub = TestHub()
        let clients = try open(&hub, 1)
        let first = try #require(try hub.send("1", on: "c", by: clients[0], tag: "1", need: 5).parked)
        #expect(try hub.send("2", on: "c", by: clients[0], tag: "2").isParked, "messages keep their order")
        hub.cancel(first)
        #expect(
            Set(hub.takeLateReplies()) == [
                LateReply(clients[0], "1", .cancelled(nil)), LateReply(clients[0], "2", .ok(receivers: 0)),
            ])
    }

    // MARK: Ends

    @Test("A broadcast waits for every client that has joined as a receiver")
    func aBroadcastWaitsForJoinedReceivers() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        for client in clients.dropFirst() { _ = try hub.join(.receive, of: "c", by: client) }
        #expect(try hub.send("1", on: "c", by: clients[0], tag: "1").isParked)
        #expect(try hub.send("2", on: "c", by: clients[0], tag: "2").isParked)
        #expect(try hub.receive(from: "c", by: clients[1]) == .done(.message("1", from: "c")))
        #expect(hub.takeLateReplies().isEmpty)
        #expect(
            try hub.receive(from: "c", by: clients[1], tag: "r").isParked,
            "message 2 waits until message 1 has reached everyone")
        #expect(try hub.receive(from: "c", by: clients[2]) == .done(.message("1", from: "c")))
        let lateReplies = hub.takeLateReplies()
        #expect(lateReplies.contains(LateReply(clients[0], "1", .ok(receivers: 2))))
        #expect(try lateReplies.contains(LateReply(clients[1], "r", .message("2", from: "c"))))
        #expect(try hub.receive(from: "c", by: clients[2]) == .done(.message("2", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "2", .ok(receivers: 2))])
    }

    enum Departure: CaseIterable { case leave, disconnect }

    @Test("A broadcast stops waiting for a receiver that leaves or disconnects", arguments: Departure.allCases)
    func aBroadcastDoesNotWaitForAReceiverThatLeaves(_ departure: Departure) throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        for client in clients.dropFirst() { _ = try hub.join(.receive, of: "c", by: client) }
        _ = try hub.send("1", on: "c", by: clients[0], tag: "1")
        #expect(try hub.receive(from: "c", by: clients[1]) == .done(.message("1", from: "c")))
        switch departure {
        case .leave: #expect(try hub.leave(.receive, of: "c", by: clients[2]) == .done(.ok))
        case .disconnect: hub.disconnect(clients[2])
        }
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "1", .ok(receivers: 1))])
    }

    @Test("A joined client with a parked receive counts as one receiver")
    func aConnectionThatReceivesIsOneReceiverEvenIfItHasJoined() throws {
        var hub = TestHub()
        let clients = try open(&hub, 2)
        _ = try hub.join(.receive, of: "c", by: clients[1])
        _ = try hub.receive(from: "c", by: clients[1], tag: "r")
        #expect(try hub.send("1", on: "c", by: clients[0]) == .done(.ok(receivers: 1)))
    }

    // MARK: Counted receives

    @Test("A broadcast waits for a counted receive that is paused for lack of credit")
    func aPausedReceiveIsWaitedFor() throws {
        var limits = HubLimits()
        limits.outputBytes = 50
        var hub = TestHub(limits: limits)
        let clients = try open(&hub, 2)
        _ = try hub.stream(from: "c", by: clients[1], tag: "r")
        #expect(try hub.send("1", on: "c", by: clients[0]) == .done(.ok(receivers: 1)))
        #expect(try hub.send("2", on: "c", by: clients[0], tag: "2").isParked)
        #expect(try hub.send("3", on: "c", by: clients[0], tag: "3").isParked)
        _ = hub.takeLateReplies()
        hub.machine.outputWritten(65, of: clients[1])
        #expect(
            try Set(hub.takeLateReplies()) == [
                LateReply(clients[1], "r", .message("2", from: "c"), isFinal: false),
                LateReply(clients[0], "2", .ok(receivers: 1)),
            ])
        hub.disconnect(clients[1])
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "3", .ok(receivers: 0))])
    }

    @Test("A broadcast waits for a receive that was paused before the channel was opened")
    func aReceiveThatWasPausedBeforeTheChannelWasOpenedIsWaitedFor() throws {
        var limits = HubLimits()
        limits.outputBytes = 50
        var hub = TestHub(limits: limits)
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r")
        _ = try hub.send("1", on: "c", by: a)
        _ = try hub.open("c", .broadcast, by: a)
        #expect(try hub.send("2", on: "c", by: a, tag: "2").isParked)
        hub.machine.outputWritten(65, of: b)
        #expect(hub.takeLateReplies().contains(LateReply(a, "2", .ok(receivers: 1))))
    }

    // MARK: While some receivers have the message

    @Test("A broadcast that times out is answered MAYBE if a receiver has the message")
    func aTimeoutAfterAReceiverIsMaybe() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        for client in clients.dropFirst() { _ = try hub.join(.receive, of: "c", by: client) }
        _ = try hub.send("1", on: "c", by: clients[0], tag: "1", timeout: .seconds(1))
        hub.pass(.seconds(1))
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "1", .timeout)], "no receiver had it")
        _ = try hub.send("2", on: "c", by: clients[0], tag: "2", timeout: .seconds(1))
        _ = try hub.send("3", on: "c", by: clients[0], tag: "3")
        #expect(try hub.receive(from: "c", by: clients[1]) == .done(.message("2", from: "c")))
        hub.pass(.seconds(1))
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "2", .maybe("timeout"))])
        #expect(try hub.receive(from: "c", by: clients[2]) == .done(.message("3", from: "c")), "the round is over")
    }

    @Test("A broadcast with timeout=0 does not wait for receivers")
    func aSendWithoutTimeDoesNotWait() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        _ = try hub.join(.receive, of: "c", by: clients[1])
        #expect(try hub.send("1", on: "c", by: clients[0], timeout: .zero) == .done(.timeout))
        _ = try hub.receive(from: "c", by: clients[2], tag: "r")
        #expect(try hub.send("2", on: "c", by: clients[0], timeout: .zero) == .done(.maybe("timeout")))
        #expect(try hub.takeLateReplies() == [LateReply(clients[2], "r", .message("2", from: "c"))])
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("Repeating a broadcast with the same id does not deliver it twice")
    func aRepeatedBroadcastIsADuplicate() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        for client in clients.dropFirst() { _ = try hub.join(.receive, of: "c", by: client) }
        _ = try hub.send("1", on: "c", by: clients[0], tag: "1", timeout: .seconds(1), id: "x")
        #expect(try hub.receive(from: "c", by: clients[1]) == .done(.message("1", from: "c")))
        hub.pass(.seconds(1))
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "1", .maybe("timeout"))])
        #expect(try hub.send("1", on: "c", by: clients[0], id: "x") == .done(.duplicate))
        #expect(try hub.receive(from: "c", by: clients[1], timeout: .zero) == .done(.timeout))
    }

    @Test("Poison answers MAYBE to a broadcast that a receiver has, and POISONED to the others")
    func poisonInTheMiddleIsMaybeOrDefinite() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        for client in clients.dropFirst() { _ = try hub.join(.receive, of: "c", by: client) }
        _ = try hub.send("1", on: "c", by: clients[0], tag: "1")
        _ = try hub.send("2", on: "c", by: clients[0], tag: "2")
        _ = try hub.receive(from: "c", by: clients[1])
        _ = try hub.poison("c", by: clients[0])
        #expect(
            try Set(hub.takeLateReplies()) == [
                LateReply(clients[0], "1", .maybe("poisoned")), LateReply(clients[0], "2", .poisoned("c")),
            ])
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("A closed broadcast channel still delivers its messages to every receiver")
    func aClosedBroadcastStillReachesAllReceivers() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        for client in clients.dropFirst() { _ = try hub.join(.receive, of: "c", by: client) }
        _ = try hub.send("1", on: "c", by: clients[0], tag: "1")
        _ = try hub.send("2", on: "c", by: clients[0], tag: "2")
        #expect(try hub.close("c", by: clients[0]) == .done(.ok))
        #expect(try hub.send("3", on: "c", by: clients[0]) == .done(.closed("c")))
        for text in ["1", "2"] {
            for client in clients.dropFirst() {
                #expect(try hub.receive(from: "c", by: client) == .done(.message(text, from: "c")))
            }
            #expect(hub.takeLateReplies() == [LateReply(clients[0], text, .ok(receivers: 2))])
        }
        #expect(try hub.receive(from: "c", by: clients[1]) == .done(.closed("c")))
        hub.pass(.seconds(100))
        #expect(hub.machine.channels.count == 0)
    }

    @Test("A receiver of the last message is answered CLOSED afterwards")
    func aReceiverOfTheLastMessageIsAnsweredClosed() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        for client in clients.dropFirst() { _ = try hub.join(.receive, of: "c", by: client) }
        _ = try hub.send("1", on: "c", by: clients[0], tag: "1")
        #expect(try hub.receive(from: "c", by: clients[1]) == .done(.message("1", from: "c")))
        _ = try hub.close("c", by: clients[0])
        #expect(try hub.receive(from: "c", by: clients[1]) == .done(.closed("c")))
        #expect(try hub.receive(from: "c", by: clients[2]) == .done(.message("1", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "1", .ok(receivers: 2))])
    }

    @Test("CLOSE tells receivers that wait the same as receivers that come later")
    func closeTellsWaitingAndLaterReceiversTheSame() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        _ = try hub.join(.receive, of: "c", by: clients[1])
        _ = try hub.send("1", on: "c", by: clients[0], tag: "1")
        #expect(try hub.receive(from: "c", by: clients[2], tag: "r").isParked, "the message is not for it")
        _ = try hub.close("c", by: clients[0])
        #expect(hub.takeLateReplies() == [LateReply(clients[2], "r", try .closed("c"))])
        #expect(try hub.receive(from: "c", by: clients[2]) == .done(.closed("c")))
        #expect(try hub.receive(from: "c", by: clients[1]) == .done(.message("1", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "1", .ok(receivers: 1))])
    }

    @Test("Receivers of a closed broadcast wait for a message that needs more of them")
    func aClosedBroadcastThatNeedsReceiversKeepsThem() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        _ = try hub.send("1", on: "c", by: clients[0], tag: "1", need: 2)
        _ = try hub.receive(from: "c", by: clients[1], tag: "r")
        _ = try hub.close("c", by: clients[0])
        #expect(hub.takeLateReplies().isEmpty)
        #expect(try hub.receive(from: "c", by: clients[2], tag: "s").isParked)
        #expect(
            try Set(hub.takeLateReplies()) == [
                LateReply(clients[1], "r", .message("1", from: "c")),
                LateReply(clients[2], "s", .message("1", from: "c")), LateReply(clients[0], "1", .ok(receivers: 2)),
            ])
    }

    @Test("A client that disconnects does not receive a broadcast that its departure releases")
    func aDisconnectingClientReceivesNothing() throws {
        var hub = TestHub()
        let clients = try open(&hub, 2)
        _ = try hub.receive(from: "c", by: clients[1], tag: "r")
        _ = try hub.send("1", on: "c", by: clients[1], tag: "1", need: 3)
        _ = try hub.send("2", on: "c", by: clients[0], tag: "2")
        hub.disconnect(clients[1])
        #expect(hub.takeLateReplies() == [LateReply(clients[0], "2", .ok(receivers: 0))])
    }

    // MARK: Selects

    @Test("A select counts as one receiver of a broadcast")
    func aSelectIsOneReceiver() throws {
        var hub = TestHub()
        let clients = try open(&hub, 2)
        #expect(try hub.select("recv d", "recv c", by: clients[1], tag: "r").isParked)
        #expect(try hub.send("x", on: "c", by: clients[0]) == .done(.ok(receivers: 1)))
        #expect(try hub.takeLateReplies() == [LateReply(clients[1], "r", .message("x", from: "c", arm: 1))])
    }

    @Test("A select whose send arm has reached a receiver waits for that arm alone")
    func aSelectThatBroadcastsIsCommitted() throws {
        var hub = TestHub()
        let clients = try open(&hub, 3)
        _ = try hub.send("0", on: "c", by: clients[0], tag: "0", need: 1)
        #expect(try hub.select("send c 1", "send c 2", "recv d", by: clients[1], tag: "s").isParked)
        _ = try hub.join(.receive, of: "c", by: clients[2])
        #expect(try hub.receive(from: "c", by: clients[2]) == .done(.message("0", from: "c")))
        #expect(try hub.send("x", on: "d", by: clients[0], timeout: .zero) == .done(.timeout))
        #expect(try hub.receive(from: "c", by: clients[2]) == .done(.message("1", from: "c")))
        let reply = Reply.ok([Attribute(.receivers, 1), Attribute(.arm, 0)])
        #expect(
            hub.takeLateReplies() == [LateReply(clients[0], "0", .ok(receivers: 1)), LateReply(clients[1], "s", reply)])
        #expect(try hub.receive(from: "c", by: clients[2], timeout: .zero) == .done(.timeout))
    }

    @Test("A joined connection that receives counts once for need=, whatever else is pending", arguments: 0...3)
    func joinedConnectionsThatReceive(other: Int) throws {
        var hub = TestHub()
        let (sender, joined, receiver) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.open("c", .broadcast, by: sender)
        _ = try hub.join(.receive, of: "c", by: joined)
        // Either more receives are in the queue than the joined connection has pending operations, or fewer.
        for number in 0..<(other % 2 == 0 ? 5 : 1) { _ = try hub.receive(from: "c", by: receiver, tag: "r\(number)") }
        if other >= 2 {
            for number in 0..<3 { _ = try hub.receive(from: "other", by: joined, tag: "o\(number)") }
        }
        let receiving = other % 2 == 0 ? 5 : 1
        #expect(try hub.send("x", on: "c", by: sender, tag: "a", need: receiving + 2).isParked)
        _ = try hub.receive(from: "c", by: joined, tag: "j")
        #expect(try hub.send("y", on: "c", by: sender, tag: "b", need: receiving + 2).isParked)
        #expect(hub.takeLateReplies().isEmpty)
        _ = try hub.receive(from: "c", by: receiver, tag: "last")
        #expect(hub.takeLateReplies().count == receiving + 3)
    }
}
