import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Sends with an id, which can be repeated safely, in the state machine.
@Suite struct SendIdentityTests {
    @Test("A repeated send with until=taken waits for the receiver of the message that a buffer keeps")
    func untilTakenWaitsForAKeptMessage() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), by: a)
        #expect(try hub.send("x", on: "c", by: a, id: "m") == .done(.ok))
        #expect(try hub.send("x", on: "c", by: a, id: "m") == .done(.duplicate))
        #expect(try hub.send("x", on: "c", by: b, tag: "t", id: "m", until: .taken).isParked)
        #expect(try hub.send("x", on: "c", by: b, timeout: .zero, id: "m", until: .taken) == .done(.maybe("timeout")))
        #expect(
            try hub.send("x", on: "c", by: b, tag: "u", timeout: .seconds(1), id: "m", until: .taken).isParked)
        hub.pass(.seconds(2))
        #expect(hub.takeLateReplies() == [LateReply(b, "u", .maybe("timeout"))])
        #expect(try hub.receive(from: "c", by: a) == .done(.message("x", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(b, "t", .duplicate)])
        #expect(try hub.send("x", on: "c", by: b, id: "m", until: .taken) == .done(.duplicate))
        #expect(hub.machine.parkedCount == 0)
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("A repeated send with until=taken ends with the message that a buffer drops")
    func untilTakenEndsWithADroppedMessage() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1, .dropOldest), by: a)
        #expect(try hub.send("x", on: "c", by: a, id: "m") == .done(.ok))
        #expect(try hub.send("x", on: "c", by: b, tag: "t", id: "m", until: .taken).isParked)
        #expect(try hub.send("y", on: "c", by: a) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(b, "t", .cancelled("dropped"))])
        #expect(try hub.send("x", on: "c", by: a, id: "m") == .done(.duplicate))
    }

    @Test("A select that sends a message and receives on the same channel meets a send of that message in either order")
    func aSelectMeetsARepeatedSendInEitherOrder() throws {
        for selectsFirst in [true, false] {
            for lease in ["", "lease=5s "] {
                var hub = TestHub()
                let (a, b) = (hub.connect(), hub.connect())
                let select = { (hub: inout TestHub) in
                    try hub.select("send id=x c job", "recv \(lease)c", "recv d", by: a, tag: "s")
                }
                let send = { (hub: inout TestHub) in try hub.send("job", on: "c", by: b, tag: "m", id: "x") }
                let outcomes = selectsFirst ? (try select(&hub), try send(&hub)) : (try send(&hub), try select(&hub))
                #expect(outcomes.0.isParked)
                let late = hub.takeLateReplies()
                let delivery = outcomes.1.delivery ?? late.compactMap(\.delivery).first
                let message: Reply =
                    try lease.isEmpty
                    ? .message("job", from: "c", arm: 1) : .message("job", from: "c", delivery, arm: 1)
                let got = outcomes.1 == .done(message) || late.contains(LateReply(a, "s", message))
                #expect(got, "\(selectsFirst) \(outcomes) \(late)")
                if let delivery {
                    #expect(hub.ack(delivery, by: a) == .done(.ok))
                    #expect(hub.takeLateReplies() == [LateReply(b, "m", .ok)])
                } else {
                    #expect(outcomes.1 == .done(.ok) || late.contains(LateReply(b, "m", .ok)))
                }
                #expect(hub.machine.parkedCount == 0)
                #expect(try hub.send("job", on: "c", by: b, id: "x") == .done(.duplicate))
            }
        }
    }

    @Test("A repeated send waits for the pending one and is answered as its duplicate")
    func aRepeatedSendWaitsForTheFirst() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        #expect(try hub.send("job", on: "c", by: a, tag: "1", id: "x").isParked)
        #expect(try hub.send("job", on: "c", by: b, tag: "2", id: "x").isParked)
        #expect(try hub.receive(from: "c", by: c) == .done(.message("job", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok), LateReply(b, "2", .duplicate)])
        #expect(try hub.receive(from: "c", by: c, timeout: .zero) == .done(.timeout))
        #expect(hub.machine.parkedCount == 0)
    }

    @Test("A send repeated after delivery on the same channel is a duplicate")
    func aSendAfterDeliveryIsADuplicate() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: b, tag: "r")
        #expect(try hub.send("job", on: "c", by: a, id: "x") == .done(.ok))
        #expect(try hub.receive(from: "c", by: b, tag: "r").isParked)
        #expect(try hub.send("job", on: "c", by: a, id: "x") == .done(.duplicate))
        let arm = Reply.ok([Attribute(.duplicate, flag: true), Attribute(.arm, 1)])
        #expect(try hub.select("recv d", "send id=x c job", by: a) == .done(arm))
        #expect(try hub.send("job", on: "c", by: a, id: "y") == .done(.ok), "another id")
        #expect(try hub.send("job", on: "d", by: a, timeout: .zero, id: "x") == .done(.timeout), "on another channel")
    }

    @Test("A duplicate of a leased message waits for its acknowledgement")
    func aDuplicateOfALeasedMessageWaitsForTheAcknowledgement() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: b, tag: "r", lease: .seconds(1))
        _ = try hub.send("job", on: "c", by: a, tag: "1", id: "x")
        let delivery = try #require(hub.takeDeliveries().first)
        #expect(try hub.send("job", on: "c", by: a, tag: "2", id: "x").isParked)
        #expect(try hub.send("job", on: "c", by: a, timeout: .zero, id: "x") == .done(.maybe("timeout")))
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok), LateReply(a, "2", .duplicate)])
    }

    @Test("The leased message of a lost sender can be sent again")
    func theMessageOfALostSenderCanBeSentAgainWhileItIsHeld() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a, id: "x")
        let delivery = try #require(try hub.receive(from: "c", by: c, lease: .seconds(1)).delivery)
        hub.disconnect(a)
        #expect(try hub.send("job", on: "c", by: b, tag: "s", id: "x").isParked)
        #expect(hub.nack(delivery, by: c) == .done(.ok))
        #expect(try hub.receive(from: "c", by: c) == .done(.message("job", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(b, "s", .ok)])
    }

    // MARK: Giving up

    @Test("A cancelled send is answered MAYBE while another client sends the same message")
    func givingUpAmongDuplicatesIsMaybe() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let first = try #require(try hub.send("job", on: "c", by: a, tag: "1", id: "x").parked)
        let second = try #require(try hub.send("job", on: "c", by: a, tag: "2", id: "x").parked)
        let third = try #require(try hub.send("job", on: "c", by: b, tag: "3", id: "x").parked)
        hub.cancel(second)
        hub.cancel(first)
        #expect(
            hub.takeLateReplies() == [LateReply(a, "2", .maybe("cancelled")), LateReply(a, "1", .maybe("cancelled"))])
        hub.cancel(third)
        #expect(hub.takeLateReplies() == [LateReply(b, "3", .cancelled(nil))], "it was the last sender of the message")
        hub.expectEmpty()
    }

    @Test("The id of a send that failed for certain is forgotten")
    func aDefiniteFailureIsForgotten() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a, tag: "1", timeout: .seconds(1), id: "x")
        hub.pass(.seconds(1))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .timeout)])
        _ = try hub.receive(from: "c", by: b, tag: "r")
        #expect(try hub.send("job", on: "c", by: a, id: "x") == .done(.ok))
    }

    @Test("A send with timeout=0 is answered MAYBE while another client sends the same message")
    func aSendWithoutTimeIsInDoubtWhileOthersSendTheSame() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: b, tag: "r", lease: .seconds(1))
        _ = try hub.send("job", on: "c", by: a, tag: "1", timeout: .zero, id: "x")
        _ = try hub.send("job", on: "c", by: a, tag: "2", id: "x")
        let delivery = try #require(hub.takeDeliveries().first)
        #expect(hub.nack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .maybe("timeout"))])
        #expect(try hub.receive(from: "c", by: b) == .done(.message("job", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(a, "2", .ok)])
    }

    @Test("Poison answers every sender of the same message")
    func everySenderOfAPoisonedMessageIsAnswered() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a, tag: "1", id: "x")
        _ = try hub.send("job", on: "c", by: b, tag: "2", id: "x")
        _ = try hub.poison("c", by: a)
        #expect(try hub.takeLateReplies() == [LateReply(a, "1", .poisoned("c")), LateReply(b, "2", .poisoned("c"))])
        hub.pass(.seconds(100))
        hub.expectEmpty()
    }

    // MARK: Buffers

    @Test("A message that a buffer accepted counts as delivered, even when it is dropped")
    func anAcceptedMessageIsDelivered() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1, .dropOldest), by: a)
        #expect(try hub.send("1", on: "c", by: a, id: "x") == .done(.ok))
        #expect(try hub.send("1", on: "c", by: a, id: "x") == .done(.duplicate))
        #expect(try hub.send("2", on: "c", by: a, id: "y") == .done(.ok))
        #expect(try hub.send("1", on: "c", by: a, id: "x") == .done(.duplicate), "it was dropped, as declared")
        #expect(try hub.receive(from: "c", by: b) == .done(.message("2", from: "c")))
        #expect(hub.machine.memory.deliveredCount == 2, "each is remembered once")
    }

    @Test("Dropping an old message does not forget the id of a new one")
    func anOldMessageDoesNotTakeTheMemoryOfANewOneAway() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(2, .dropOldest), by: a)
        _ = try hub.send("old", on: "c", by: a, id: "x")
        hub.pass(.seconds(121))
        #expect(try hub.send("new", on: "c", by: a, tag: "1", id: "x", until: .taken).isParked)
        #expect(try hub.send("y", on: "c", by: a) == .done(.ok), "it drops the old message")
        #expect(try hub.send("new", on: "c", by: a, tag: "2", id: "x", until: .taken).isParked)
        #expect(try hub.receive(from: "c", by: b) == .done(.message("new", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok), LateReply(a, "2", .duplicate)])
        #expect(try hub.receive(from: "c", by: b) == .done(.message("y", from: "c")))
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
    }

    // MARK: Selects

    @Test("A send arm waits for a pending send of the same message")
    func anArmWaitsForTheOneThatIsPending() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a, tag: "1", id: "x")
        #expect(try hub.select("send id=x c job", "recv d", by: a, tag: "2").isParked)
        #expect(try hub.select("send id=x c job", "recv d", by: a, timeout: .zero) == .done(.maybe("timeout")))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("job", from: "c")))
        let arm = Reply.ok([Attribute(.duplicate, flag: true), Attribute(.arm, 0)])
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok), LateReply(a, "2", arm)])
    }

    @Test("A select that sends a leased message waits for that arm alone")
    func aSelectThatSendsALeasedMessageIsCommitted() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a, tag: "1", id: "x")
        _ = try hub.select("send id=x c job", "recv d", by: a, tag: "2")
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(1)).delivery)
        _ = try hub.select("recv d", "send id=x c job", by: a, tag: "3")
        #expect(try hub.send("other", on: "d", by: b, timeout: .zero) == .done(.timeout))
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies().count == 3)
        hub.pass(.seconds(200))
        hub.expectEmpty()
    }

    @Test("A select may not send the same message with two arms")
    func aSelectSendsAMessageOnce() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.select("send id=x c 1", "send id=x c 1", by: a).refusal == .conflict)
    }

    // MARK: Epochs

    @Test("A send with the epoch of an earlier daemon is answered MAYBE")
    func anotherEpochIsAnsweredMaybe() throws {
        var hub = TestHub(epoch: 42)
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: b, tag: "r")
        #expect(try hub.send("job", on: "c", by: a, id: "x", epoch: 41) == .done(.maybe("epoch")))
        #expect(hub.takeLateReplies().isEmpty)
        #expect(try hub.send("job", on: "c", by: a, id: "x", epoch: 42) == .done(.ok))
    }
}
