import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Leases in the state machine: a receiver holds a message until it acks, nacks or rejects it, disconnects, or the time
/// runs out.
@Suite struct LeaseTests {
    private let second = Duration.seconds(1)

    // MARK: The end of a lease

    @Test("The sender of a leased message is answered when it is acknowledged")
    func theSenderWaitsForTheAcknowledgement() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.send("job", on: "c", by: a, tag: "s").isParked)
        let outcome = try hub.receive(from: "c", by: b, lease: second)
        let delivery = try #require(outcome.delivery)
        #expect(try outcome == .done(.message("job", from: "c", delivery)))
        #expect(hub.takeLateReplies().isEmpty)
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
        hub.expectEmpty()
    }

    @Test("A send to a parked leased receive waits for the acknowledgement")
    func aSendToAParkedLeasedReceiveParks() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.receive(from: "c", by: b, tag: "r", lease: second).isParked)
        #expect(try hub.send("job", on: "c", by: a, tag: "s").isParked)
        let delivery = try #require(hub.takeDeliveries().first)
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
        hub.expectEmpty()
    }

    @Test("A message whose short leases have run out 16 times pauses for a second, and one with longer leases does not")
    func shortLeasesPause() throws {
        for (lease, pauses) in [(Duration.milliseconds(1), true), (second, false)] {
            var hub = TestHub()
            let (a, b) = (hub.connect(), hub.connect())
            _ = try hub.send("job", on: "c", by: a, tag: "s")
            for attempt in 1...40 {
                let outcome = try hub.receive(from: "c", by: b, timeout: .zero, lease: lease)
                let isPaused = pauses && attempt > 16
                #expect((outcome == .done(.timeout)) == isPaused, "attempt \(attempt)")
                if isPaused { break }
                hub.machine.now += UInt64(lease / .nanoseconds(1))
                hub.machine.expire()
            }
            if pauses {
                hub.machine.now += 999_999_999
                hub.machine.expire()
                #expect(try hub.receive(from: "c", by: b, timeout: .zero, lease: lease) == .done(.timeout))
                hub.machine.now += 1
                hub.machine.expire()
            }
            let delivery = try #require(try hub.receive(from: "c", by: b, lease: lease).delivery)
            #expect(hub.ack(delivery, by: b) == .done(.ok))
            #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
            hub.expectEmpty()
        }
    }

    enum LeaseEnd: CaseIterable { case nack, expiry, disconnection }

    @Test(
        "A message is delivered again after a nack, an expired lease or a lost connection",
        arguments: LeaseEnd.allCases)
    func aMessageThatWasNotAcknowledgedIsDeliveredAgain(after end: LeaseEnd) throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a, tag: "s")
        let first = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        switch end {
        case .nack: #expect(hub.nack(first, by: b) == .done(.ok))
        case .expiry: hub.pass(second)
        case .disconnection: hub.disconnect(b)
        }
        #expect(hub.ack(first, by: b).refusal == .stale)
        let outcome = try hub.receive(from: "c", by: c, lease: second)
        let again = try #require(outcome.delivery)
        #expect(again != first)
        #expect(try outcome == .done(.message("job", from: "c", again, attempt: 2)))
        #expect(hub.ack(again, by: c) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
        hub.expectEmpty()
    }

    @Test("With reply=error, ACK is answered only if it fails")
    func anAcknowledgementMayBeUnreported() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a, tag: "s")
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.ack(delivery, by: a, repliesOnlyToFailure: true).refusal == .stale)
        #expect(hub.ack(delivery, by: b, repliesOnlyToFailure: true) == .unreported)
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
        #expect(hub.ack(delivery, by: b, repliesOnlyToFailure: true).refusal == .stale)
        hub.expectEmpty()
    }

    @Test("A lease does not expire early")
    func aLeaseEndsNotBeforeItsTime() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        hub.pass(.milliseconds(999))
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        hub.expectEmpty()
    }

    @Test("TOUCH restarts the time of a lease")
    func touchRestartsTheLease() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        for _ in 0..<10 {
            hub.pass(.milliseconds(900))
            #expect(hub.touch(delivery, by: b) == .done(.ok))
        }
        hub.pass(second)
        #expect(hub.touch(delivery, by: b).refusal == .stale)
        #expect(hub.ack(delivery, by: b).refusal == .stale)
        #expect(hub.nack(delivery, by: b).refusal == .stale)
    }

    @Test("Only the holder of a lease can end it, and only once")
    func onlyTheHolderEndsALease() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.ack(delivery, by: a).refusal == .stale)
        #expect(hub.nack(delivery, by: a).refusal == .stale)
        #expect(hub.touch(delivery, by: a).refusal == .stale)
        #expect(hub.ack(DeliveryID(serial: .max, slot: .max), by: b).refusal == .stale)
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.ack(delivery, by: b).refusal == .stale)
        hub.expectEmpty()
    }

    @Test("Operations of a disconnected client do nothing")
    func operationsOfADisconnectedClientDoNothing() throws {
        var hub = TestHub()
        let a = hub.connect()
        hub.disconnect(a)
        #expect(try hub.receive(from: "c", by: a).isParked == false)
        #expect(try hub.send("x", on: "c", by: a).isParked == false)
        #expect(try hub.apply(.name(channel("x")), by: a) == .done(.ok))
        #expect(try hub.select("recv c", "send c x", by: a).isParked == false)
        hub.endInput(of: a)
        hub.disconnect(a)
        hub.machine.outputWritten(10, of: a)
        hub.expectEmpty()
    }

    // MARK: Order

    @Test("Returned messages keep their place in the order")
    func returnedMessagesKeepTheirOrder() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<5 { _ = try hub.send("\(number)", on: "c", by: a, tag: "\(number)") }
        let held = try (0..<3).map { _ in
            try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        }
        for place in [2, 0, 1] { #expect(hub.nack(held[place], by: b) == .done(.ok)) }
        for number in 0..<5 {
            #expect(try hub.receive(from: "c", by: b) == .done(.message("\(number)", from: "c")))
        }
        hub.expectEmpty()
    }

    @Test("A returned message goes to a parked receiver")
    func aReturnedMessageGoesToAParkedReceiver() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a, tag: "s")
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(try hub.receive(from: "c", by: c, tag: "r").isParked)
        #expect(hub.nack(delivery, by: b) == .done(.ok))
        #expect(
            try Set(hub.takeLateReplies()) == [LateReply(a, "s", .ok), LateReply(c, "r", .message("job", from: "c"))])
        hub.expectEmpty()
    }

    @Test("The leased messages of a lost connection return in their order")
    func theLeasesOfALostConnectionGoBackInTheirOrder() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        for number in 0..<3 { _ = try hub.send("\(number)", on: "c", by: a, tag: "\(number)") }
        for _ in 0..<3 { _ = try hub.receive(from: "c", by: b, lease: second) }
        _ = try hub.receive(from: "c", by: c, tag: "r")
        hub.disconnect(b)
        #expect(try hub.takeLateReplies().contains(LateReply(c, "r", .message("0", from: "c"))))
        #expect(try hub.receive(from: "c", by: c) == .done(.message("1", from: "c")))
        #expect(try hub.receive(from: "c", by: c) == .done(.message("2", from: "c")))
        hub.expectEmpty()
    }

    @Test("A nack with a delay holds the message back for that time")
    func aNackWithADelayHoldsTheMessageBack() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<2 { _ = try hub.send("\(number)", on: "c", by: a, tag: "\(number)") }
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.nack(delivery, by: b, delay: .seconds(5)) == .done(.ok))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        hub.pass(.milliseconds(4999))
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(try hub.receive(from: "c", by: b, tag: "r").isParked)
        hub.pass(.milliseconds(1))
        #expect(try hub.takeLateReplies().contains(LateReply(b, "r", .message("0", from: "c"))))
        hub.expectEmpty()
    }

    @Test("Cancelling a send drops its delayed message")
    func aDelayedMessageOfACancelledSendIsDropped() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let send = try #require(try hub.send("job", on: "c", by: a, tag: "s").parked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        _ = hub.nack(delivery, by: b, delay: .seconds(5))
        hub.cancel(send)
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .cancelled(nil))])
        hub.expectEmpty()
    }

    // MARK: Senders that give up

    enum GivingUp: String, CaseIterable { case timeout, cancelled, eof }

    private func giveUp(_ reason: GivingUp, _ send: OperationID, of a: ConnectionID, on hub: inout TestHub) {
        switch reason {
        case .timeout: hub.pass(.milliseconds(10))
        case .cancelled: hub.cancel(send)
        case .eof: hub.endInput(of: a)
        }
    }

    @Test(
        "A sender that gives up during a lease is answered MAYBE, and the lease goes on",
        arguments: GivingUp.allCases)
    func givingUpUnderALeaseIsMaybe(_ reason: GivingUp) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let send = try #require(try hub.send("job", on: "c", by: a, tag: "s", timeout: .milliseconds(10)).parked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        giveUp(reason, send, of: a, on: &hub)
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .maybe(reason.rawValue))])
        #expect(hub.machine.leases.count == 1, "the lease goes on")
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies().isEmpty)
        hub.expectEmpty()
    }

    @Test("A nack drops a message whose sender has given up", arguments: GivingUp.allCases)
    func aNackAfterTheSenderGaveUpDropsTheMessage(_ reason: GivingUp) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let send = try #require(try hub.send("job", on: "c", by: a, tag: "s", timeout: .milliseconds(10)).parked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        giveUp(reason, send, of: a, on: &hub)
        #expect(hub.nack(delivery, by: b) == .done(.ok))
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        hub.expectEmpty()
    }

    @Test("A sender whose message has come back is answered TIMEOUT, not MAYBE")
    func givingUpAfterANackIsCertain() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a, tag: "s", timeout: second)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        _ = hub.nack(delivery, by: b)
        hub.pass(second)
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .timeout)])
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        hub.expectEmpty()
    }

    @Test("The leased message of a lost sender can be acknowledged")
    func theMessageOfALostSenderIsTheReceiversToAcknowledge() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: a)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        hub.disconnect(a)
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        hub.expectEmpty()
    }

    // MARK: Sends with timeout=0

    @Test("A send with timeout=0 to a leased receive waits for the end of the lease")
    func aSendWithoutTimeWaitsForTheEndOfALease() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: b, tag: "r", lease: second)
        #expect(try hub.send("job", on: "c", by: a, tag: "s", timeout: .zero).isParked)
        hub.pass(.milliseconds(500))
        let delivery = try #require(hub.takeDeliveries().first)
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
        hub.expectEmpty()
    }

    @Test("A send with timeout=0 times out when its message comes back", arguments: [nil, Duration.seconds(60)])
    func aSendWithoutTimeTimesOutOnANack(with delay: Duration?) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: b, tag: "r", lease: second)
        _ = try hub.send("job", on: "c", by: a, tag: "s", timeout: .zero)
        let delivery = try #require(hub.takeDeliveries().first)
        #expect(hub.nack(delivery, by: b, delay: delay) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .timeout)])
        hub.expectEmpty()
    }

    // MARK: Selects

    @Test("A select can receive under a lease")
    func aSelectTakesAnArmUnderALease() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.select("recv d", "recv lease=1s c", by: b, tag: "r").isParked)
        #expect(try hub.send("job", on: "c", by: a, tag: "s").isParked)
        let lateReplies = hub.takeLateReplies()
        let delivery = try #require(lateReplies.first?.delivery)
        #expect(try lateReplies == [LateReply(b, "r", .message("job", from: "c", delivery, arm: 1))])
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
        hub.expectEmpty()
    }

    @Test("A select whose message is leased waits for that arm alone")
    func aSelectWithALeasedMessageIsCommitted() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        #expect(try hub.select("send c job", "recv d", "barrier parties=2 g", by: a, tag: "s").isParked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(try hub.send("x", on: "d", by: b, timeout: .zero) == .done(.timeout))
        #expect(try hub.barrier("g", 2, by: b, timeout: .zero) == .done(.timeout))
        #expect(hub.nack(delivery, by: b) == .done(.ok))
        #expect(try hub.send("x", on: "d", by: b, timeout: .zero) == .done(.timeout), "the select has chosen its arm")
        let again = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.ack(again, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok(arm: 0))])
        hub.expectEmpty()
    }

    @Test("A select that sends to a parked leased receive is committed at once")
    func aSelectThatFindsAReceiverWithALeaseIsCommittedAtOnce() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.receive(from: "c", by: b, tag: "r", lease: second)
        let select = try #require(try hub.select("recv d", "send c job", by: a, tag: "s").parked)
        hub.cancel(select)
        #expect(hub.takeLateReplies().last == LateReply(a, "s", .maybe("cancelled")))
    }

    @Test(
        "A lease whose time is over is over, even if the hub has not ended it yet",
        arguments: ["ack", "nack", "reject", "touch"])
    func aLeaseThatTheHubHasNotEndedYet(verb: String) throws {
        var hub = TestHub()
        let (sender, receiver) = (hub.connect(), hub.connect())
        _ = try hub.send("job", on: "c", by: sender, tag: "s")
        let delivery = try #require(try hub.receive(from: "c", by: receiver, lease: .seconds(1)).delivery)
        hub.machine.now += 999_999_999
        #expect(hub.touch(delivery, by: receiver) == .done(.ok))
        hub.machine.now += 1_000_000_000
        let outcome =
            switch verb {
            case "ack": hub.ack(delivery, by: receiver)
            case "nack": hub.nack(delivery, by: receiver)
            case "reject": hub.reject(delivery, by: receiver)
            default: hub.touch(delivery, by: receiver)
            }
        #expect(outcome == .done(.error(.stale)))
        #expect(hub.takeLateReplies().isEmpty)
        hub.machine.expire()
        #expect(try hub.receive(from: "c", by: receiver) == .done(.message("job", from: "c")))
    }
}
