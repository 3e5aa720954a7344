import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Leases in the pure machine: a message is a receiver's until that acknowledges it, refuses it, goes, or takes too long.
@Suite struct LeaseTests {
    private let second = Duration.seconds(1)

    // MARK: The end of a lease

    @Test func theSenderWaitsForTheAcknowledgement() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.send("job", on: "c", by: a, tag: "s").isParked)
        let outcome = try floor.receive(from: "c", by: b, lease: second)
        let delivery = try #require(outcome.delivery)
        #expect(try outcome == .done(.message("job", from: "c", delivery)))
        #expect(floor.news().isEmpty)
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "s", .ok)])
        floor.expectEmpty()
    }

    @Test func aSendToAReceiverThatWaitsWithALeaseWaitsToo() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.receive(from: "c", by: b, tag: "r", lease: second).isParked)
        #expect(try floor.send("job", on: "c", by: a, tag: "s").isParked)
        let delivery = try #require(floor.deliveries().first)
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "s", .ok)])
        floor.expectEmpty()
    }

    enum Loss: CaseIterable { case refusal, expiry, disconnection }

    @Test(arguments: Loss.allCases) func aMessageThatWasNotAcknowledgedIsDeliveredAgain(after loss: Loss) throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a, tag: "s")
        let first = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        switch loss {
        case .refusal: #expect(floor.nack(first, by: b) == .done(.ok))
        case .expiry: floor.pass(second)
        case .disconnection: floor.disconnect(b)
        }
        #expect(floor.ack(first, by: b).refusal == .stale)
        let outcome = try floor.receive(from: "c", by: c, lease: second)
        let again = try #require(outcome.delivery)
        #expect(again != first)
        #expect(try outcome == .done(.message("job", from: "c", again, attempt: 2)))
        #expect(floor.ack(again, by: c) == .done(.ok))
        #expect(floor.news() == [News(a, "s", .ok)])
        floor.expectEmpty()
    }

    @Test func aLeaseEndsNotBeforeItsTime() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        floor.pass(.milliseconds(999))
        #expect(try floor.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        floor.expectEmpty()
    }

    @Test func touchBeginsTheLeaseAnew() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        for _ in 0..<10 {
            floor.pass(.milliseconds(900))
            #expect(floor.touch(delivery, by: b) == .done(.ok))
        }
        floor.pass(second)
        #expect(floor.touch(delivery, by: b).refusal == .stale)
        #expect(floor.ack(delivery, by: b).refusal == .stale)
        #expect(floor.nack(delivery, by: b).refusal == .stale)
    }

    @Test func onlyTheHolderHasASayAndOnlyOnce() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        #expect(floor.ack(delivery, by: a).refusal == .stale)
        #expect(floor.nack(delivery, by: a).refusal == .stale)
        #expect(floor.touch(delivery, by: a).refusal == .stale)
        #expect(floor.ack(DeliveryID(serial: .max, slot: .max), by: b).refusal == .stale)
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(floor.ack(delivery, by: b).refusal == .stale)
        floor.expectEmpty()
    }

    @Test func whatConcernsAConnectionThatHasGoneChangesNothing() throws {
        var floor = Floor()
        let a = floor.connect()
        floor.disconnect(a)
        #expect(try floor.receive(from: "c", by: a).isParked == false)
        #expect(try floor.send("x", on: "c", by: a).isParked == false)
        #expect(try floor.apply(.name(channel("x")), by: a) == .done(.ok))
        #expect(try floor.select("recv c", "send c x", by: a).isParked == false)
        floor.endInput(of: a)
        floor.disconnect(a)
        floor.machine.outputWritten(10, of: a)
        floor.expectEmpty()
    }

    // MARK: Order

    @Test func whatComesBackStandsWhereItStood() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for number in 0..<5 { _ = try floor.send("\(number)", on: "c", by: a, tag: "\(number)") }
        let held = try (0..<3).map { _ in
            try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        }
        for place in [2, 0, 1] { #expect(floor.nack(held[place], by: b) == .done(.ok)) }
        for number in 0..<5 {
            #expect(try floor.receive(from: "c", by: b) == .done(.message("\(number)", from: "c")))
        }
        floor.expectEmpty()
    }

    @Test func whatComesBackGoesToTheReceiverThatWaits() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a, tag: "s")
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        #expect(try floor.receive(from: "c", by: c, tag: "r").isParked)
        #expect(floor.nack(delivery, by: b) == .done(.ok))
        #expect(try Set(floor.news()) == [News(a, "s", .ok), News(c, "r", .message("job", from: "c"))])
        floor.expectEmpty()
    }

    @Test func theLeasesOfALostConnectionGoBackInTheirOrder() throws {
        var floor = Floor()
        let (a, b, c) = (floor.connect(), floor.connect(), floor.connect())
        for number in 0..<3 { _ = try floor.send("\(number)", on: "c", by: a, tag: "\(number)") }
        for _ in 0..<3 { _ = try floor.receive(from: "c", by: b, lease: second) }
        _ = try floor.receive(from: "c", by: c, tag: "r")
        floor.disconnect(b)
        #expect(try floor.news().contains(News(c, "r", .message("0", from: "c"))))
        #expect(try floor.receive(from: "c", by: c) == .done(.message("1", from: "c")))
        #expect(try floor.receive(from: "c", by: c) == .done(.message("2", from: "c")))
        floor.expectEmpty()
    }

    @Test func whatWasRefusedWithADelayRests() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        for number in 0..<2 { _ = try floor.send("\(number)", on: "c", by: a, tag: "\(number)") }
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        #expect(floor.nack(delivery, by: b, delay: .seconds(5)) == .done(.ok))
        #expect(try floor.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        floor.pass(.milliseconds(4999))
        #expect(try floor.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(try floor.receive(from: "c", by: b, tag: "r").isParked)
        floor.pass(.milliseconds(1))
        #expect(try floor.news().contains(News(b, "r", .message("0", from: "c"))))
        floor.expectEmpty()
    }

    @Test func aRestingMessageOfACancelledSenderIsGone() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        let send = try #require(try floor.send("job", on: "c", by: a, tag: "s").parked)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        _ = floor.nack(delivery, by: b, delay: .seconds(5))
        floor.cancel(send)
        #expect(floor.news() == [News(a, "s", .cancelled(nil))])
        floor.expectEmpty()
    }

    // MARK: The sender gives up

    enum Impatience: String, CaseIterable { case timeout, cancelled, eof }

    private func giveUp(_ impatience: Impatience, _ send: OperationID, of a: ConnectionID, on floor: inout Floor) {
        switch impatience {
        case .timeout: floor.pass(.milliseconds(10))
        case .cancelled: floor.cancel(send)
        case .eof: floor.endInput(of: a)
        }
    }

    @Test(arguments: Impatience.allCases)
    func aSenderThatGivesUpUnderALeaseIsToldMaybeAndTheAcknowledgementCounts(_ impatience: Impatience) throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        let send = try #require(try floor.send("job", on: "c", by: a, tag: "s", timeout: .milliseconds(10)).parked)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        giveUp(impatience, send, of: a, on: &floor)
        #expect(floor.news() == [News(a, "s", .maybe(impatience.rawValue))])
        #expect(floor.machine.leases.count == 1, "the lease goes on")
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(floor.news().isEmpty)
        floor.expectEmpty()
    }

    @Test(arguments: Impatience.allCases)
    func aMessageWhoseSenderGaveUpIsDroppedWhenItIsRefused(_ impatience: Impatience) throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        let send = try #require(try floor.send("job", on: "c", by: a, tag: "s", timeout: .milliseconds(10)).parked)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        giveUp(impatience, send, of: a, on: &floor)
        #expect(floor.nack(delivery, by: b) == .done(.ok))
        #expect(try floor.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        floor.expectEmpty()
    }

    @Test func aSenderWhoseMessageHasComeBackGivesUpForCertain() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a, tag: "s", timeout: second)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        _ = floor.nack(delivery, by: b)
        floor.pass(second)
        #expect(floor.news() == [News(a, "s", .timeout)])
        #expect(try floor.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        floor.expectEmpty()
    }

    @Test func theMessageOfALostSenderIsTheReceiversToAcknowledge() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.send("job", on: "c", by: a)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        floor.disconnect(a)
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        floor.expectEmpty()
    }

    // MARK: A send without time

    @Test func aSendWithoutTimeWaitsForTheEndOfALease() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: b, tag: "r", lease: second)
        #expect(try floor.send("job", on: "c", by: a, tag: "s", timeout: .zero).isParked)
        floor.pass(.milliseconds(500))
        let delivery = try #require(floor.deliveries().first)
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "s", .ok)])
        floor.expectEmpty()
    }

    @Test(arguments: [nil, Duration.seconds(60)])
    func aSendWithoutTimeTimesOutWhenItIsRefused(with delay: Duration?) throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: b, tag: "r", lease: second)
        _ = try floor.send("job", on: "c", by: a, tag: "s", timeout: .zero)
        let delivery = try #require(floor.deliveries().first)
        #expect(floor.nack(delivery, by: b, delay: delay) == .done(.ok))
        #expect(floor.news() == [News(a, "s", .timeout)])
        floor.expectEmpty()
    }

    // MARK: Selects

    @Test func aSelectTakesAnArmUnderALease() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.select("recv d", "recv lease=1s c", by: b, tag: "r").isParked)
        #expect(try floor.send("job", on: "c", by: a, tag: "s").isParked)
        let news = floor.news()
        let delivery = try #require(news.first?.delivery)
        #expect(try news == [News(b, "r", .message("job", from: "c", delivery, arm: 1))])
        #expect(floor.ack(delivery, by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "s", .ok)])
        floor.expectEmpty()
    }

    @Test func aSelectWhoseSendIsTakenUnderALeaseWaitsForThatAlone() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        #expect(try floor.select("send c job", "recv d", "barrier parties=2 g", by: a, tag: "s").isParked)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        #expect(try floor.send("x", on: "d", by: b, timeout: .zero) == .done(.timeout))
        #expect(try floor.barrier("g", 2, by: b, timeout: .zero) == .done(.timeout))
        #expect(floor.nack(delivery, by: b) == .done(.ok))
        #expect(try floor.send("x", on: "d", by: b, timeout: .zero) == .done(.timeout), "it has chosen")
        let again = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        #expect(floor.ack(again, by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "s", .ok(arm: 0))])
        floor.expectEmpty()
    }

    @Test func aSelectThatFindsAReceiverWithALeaseIsCommittedAtOnce() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.receive(from: "c", by: b, tag: "r", lease: second)
        let select = try #require(try floor.select("recv d", "send c job", by: a, tag: "s").parked)
        floor.cancel(select)
        #expect(floor.news().last == News(a, "s", .maybe("cancelled")))
    }

    // MARK: Buffers

    @Test func whatIsUnderALeaseUsesTheRoomOfTheBuffer() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1), by: a)
        #expect(try floor.send("1", on: "c", by: a) == .done(.ok))
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        #expect(try floor.send("2", on: "c", by: a, tag: "2").isParked)
        #expect(floor.nack(delivery, by: b) == .done(.ok))
        #expect(floor.news().isEmpty)
        #expect(try floor.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(floor.news() == [News(a, "2", .ok)])
        #expect(floor.machine.totals.keptMessages == 1)
    }

    @Test func aMessageForAReceiverThatWaitsWithALeaseIsAcceptedWhereTheBufferHasRoom() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1), by: a)
        for tag in ["r", "t"] { _ = try floor.receive(from: "c", by: b, tag: tag, lease: second) }
        #expect(try floor.send("1", on: "c", by: a) == .done(.ok))
        #expect(try floor.send("2", on: "c", by: a, tag: "2").isParked, "the first one uses the room")
        let held = floor.deliveries()
        #expect(floor.ack(held[0], by: b) == .done(.ok))
        #expect(floor.news().isEmpty, "what is with a receiver is acknowledged or comes back")
        #expect(floor.ack(held[1], by: b) == .done(.ok))
        #expect(floor.news() == [News(a, "2", .ok)])
        #expect(floor.machine.totals.keptMessages == 0)
    }

    @Test func aMessageThatComesBackToABufferOfTheLastOnesIsDroppedIfItDoesNotFit() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(1, .dropOldest), by: a)
        _ = try floor.send("1", on: "c", by: a)
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        #expect(try floor.send("2", on: "c", by: a) == .done(.ok))
        #expect(floor.nack(delivery, by: b) == .done(.ok))
        #expect(try floor.receive(from: "c", by: b) == .done(.message("2", from: "c")))
        #expect(try floor.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(floor.machine.totals.keptMessages == 0)
    }

    @Test func aReturnedMessageIsTheFirstToMakeRoomForANewOne() throws {
        var floor = Floor()
        let (a, b) = (floor.connect(), floor.connect())
        _ = try floor.open("c", .buffer(2, .dropOldest), by: a)
        for text in ["1", "2"] { _ = try floor.send(text, on: "c", by: a) }
        let delivery = try #require(try floor.receive(from: "c", by: b, lease: second).delivery)
        #expect(floor.nack(delivery, by: b) == .done(.ok))
        #expect(try floor.send("3", on: "c", by: a) == .done(.ok))
        for text in ["2", "3"] {
            #expect(try floor.receive(from: "c", by: b) == .done(.message(text, from: "c")))
        }
        #expect(floor.machine.totals.keptMessages == 0)
    }

    @Test func leasesAreForChannelsWhoseMessagesHaveOneReceiver() throws {
        var floor = Floor()
        let a = floor.connect()
        _ = try floor.open("b", .broadcast, by: a)
        _ = try floor.open("v", .once, by: a)
        _ = try floor.send("value", on: "v", by: a)
        for name in ["b", "v"] {
            #expect(try floor.receive(from: name, by: a, lease: second).refusal == .conflict)
            #expect(try floor.stream(from: name, by: a, tag: "r", lease: second).refusal == .conflict)
            #expect(try floor.select("recv lease=1s \(name)", "recv c", by: a).refusal == .conflict)
        }
        _ = try floor.close("v", by: a)
        #expect(
            try floor.receive(from: "v", by: a, lease: second).refusal == .conflict, "the value is everybody's still")
        #expect(try floor.receive(from: "v", by: a) == .done(.message("value", from: "v")))
    }
}
