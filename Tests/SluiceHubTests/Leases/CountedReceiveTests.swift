import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Counted receives in the state machine.
@Suite struct CountedReceiveTests {
    /// Returns a message of the counted receive `r` of `client`.
    private func message(_ text: String, to client: ConnectionID) throws -> LateReply {
        try LateReply(client, "r", .message(text, from: "c"), isFinal: false)
    }

    @Test("A counted receive gets messages until its count is reached")
    func messagesFlowUntilTheCountIsReached() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.send("0", on: "c", by: a, tag: "0")
        #expect(try hub.stream(3, from: "c", by: b, tag: "r").isParked)
        #expect(try hub.takeLateReplies() == [LateReply(a, "0", .ok), message("0", to: b)])
        for number in 1...2 { #expect(try hub.send("\(number)", on: "c", by: a) == .done(.ok)) }
        #expect(try hub.takeLateReplies() == [message("1", to: b), message("2", to: b), LateReply(b, "r", .end)])
        hub.expectEmpty()
    }

    @Test("A counted receive whose messages are all there ends at once")
    func aReceiveMayEndInTheCallThatBeginsIt() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<2 { _ = try hub.send("\(number)", on: "c", by: a) }
        #expect(try hub.stream(2, from: "c", by: b, tag: "r").isParked)
        #expect(hub.takeLateReplies().last == LateReply(b, "r", .end))
        hub.expectEmpty()
    }

    @Test("An endless receive ends when it is cancelled")
    func anEndlessReceiveEndsWhenCancelled() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let id = try #require(try hub.stream(from: "c", by: b, tag: "r").parked)
        for number in 0..<100 { #expect(try hub.send("\(number)", on: "c", by: a) == .done(.ok)) }
        #expect(hub.takeLateReplies().count == 100)
        hub.cancel(id)
        #expect(hub.takeLateReplies() == [LateReply(b, "r", .cancelled(nil))])
        hub.expectEmpty()
    }

    @Test("The timeout of a counted receive starts again with each message")
    func theTimeoutIsPerMessage() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r", timeout: .seconds(2))
        for _ in 0..<5 {
            hub.pass(.seconds(1))
            _ = try hub.send("x", on: "c", by: a)
        }
        #expect(hub.takeLateReplies().count == 5)
        hub.pass(.milliseconds(1999))
        #expect(hub.takeLateReplies().isEmpty)
        hub.pass(.milliseconds(1))
        #expect(hub.takeLateReplies() == [LateReply(b, "r", .timeout)])
        hub.expectEmpty()
    }

    @Test("A counted receive with timeout=0 takes the parked messages and ends")
    func aReceiveWithoutTimeTakesParkedMessages() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<2 { _ = try hub.send("\(number)", on: "c", by: a) }
        _ = try hub.stream(from: "c", by: b, tag: "r", timeout: .zero)
        let lateReplies = hub.takeLateReplies().filter { $0.connection == b }
        #expect(try lateReplies == [message("0", to: b), message("1", to: b), LateReply(b, "r", .timeout)])
        hub.expectEmpty()
    }

    // MARK: The window

    @Test("Without window=, a leased counted receive has one unacknowledged message at a time")
    func withALeaseOneMessageIsUnacknowledgedAtATime() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<3 { _ = try hub.send("\(number)", on: "c", by: a, tag: "\(number)") }
        _ = try hub.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        for number in 0..<3 {
            let lateReplies = hub.takeLateReplies()
            let delivery = try #require(lateReplies.last?.delivery)
            #expect(lateReplies.compactMap(\.delivery).count == 1)
            #expect(hub.ack(delivery, by: b) == .done(.ok))
            #expect(hub.machine.outbox.effects.contains { LateReply($0) == LateReply(a, "\(number)", .ok) })
        }
        #expect(hub.machine.leases.count == 0)
    }

    @Test("The window bounds the unacknowledged messages of a counted receive")
    func theWindowIsHowManyMayBeUnacknowledged() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r", lease: .seconds(1), window: 3)
        for number in 0..<5 { #expect(try hub.send("\(number)", on: "c", by: a, tag: "\(number)").isParked) }
        let held = hub.takeDeliveries()
        #expect(held.count == 3)
        #expect(hub.ack(held[1], by: b) == .done(.ok))
        #expect(hub.takeDeliveries().count == 1)
        #expect(hub.nack(held[0], by: b) == .done(.ok))
        let lateReplies = hub.takeLateReplies()
        #expect(try lateReplies.first?.reply == .message("0", from: "c", lateReplies.first?.delivery, attempt: 2))
    }

    @Test("An expired lease frees its place in the window")
    func anExpiredLeaseFreesItsPlaceInTheWindow() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<2 { _ = try hub.send("\(number)", on: "c", by: a, tag: "\(number)") }
        _ = try hub.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        #expect(hub.takeDeliveries().count == 1)
        hub.pass(.seconds(1))
        #expect(hub.takeDeliveries().count == 1, "the same message again")
    }

    @Test("A lease outlives the counted receive that began it")
    func leasesOutliveTheirReceive() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(1, from: "c", by: b, tag: "r", lease: .seconds(1))
        #expect(try hub.send("x", on: "c", by: a, tag: "s").isParked)
        let lateReplies = hub.takeLateReplies()
        let delivery = try #require(lateReplies.first?.delivery)
        #expect(lateReplies.last == LateReply(b, "r", .end))
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "s", .ok)])
        hub.expectEmpty()
    }

    // MARK: The client's output

    private func limits(outputBytes: Int) -> HubLimits {
        var limits = HubLimits()
        limits.outputBytes = outputBytes
        return limits
    }

    @Test("A counted receive without credit is paused until output is written")
    func aReceiveWithoutCreditIsPaused() throws {
        var hub = TestHub(limits: limits(outputBytes: 100))
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r")
        for number in 0..<2 { #expect(try hub.send("\(number)", on: "c", by: a) == .done(.ok)) }
        #expect(try hub.send("2", on: "c", by: a, tag: "2").isParked)
        #expect(hub.machine.waitersReport(on: nil).waiters.map(\.state) == [.paused, .waiting])
        _ = hub.takeLateReplies()
        hub.machine.outputWritten(2 * 65, of: b)
        #expect(try Set(hub.takeLateReplies()) == [LateReply(a, "2", .ok), message("2", to: b)])
    }

    @Test("Another receiver gets the message that a paused receive does not take")
    func aMessageForAPausedReceiveGoesToAnother() throws {
        var hub = TestHub(limits: limits(outputBytes: 50))
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r")
        _ = try hub.send("0", on: "c", by: a)
        _ = try hub.send("1", on: "c", by: a)
        #expect(try hub.receive(from: "c", by: a) == .done(.message("1", from: "c")))
    }

    @Test("A receive that is paused for lack of credit and window resumes when it has both")
    func aReceivePausedTwiceResumesWhenBothReasonsEnd() throws {
        var hub = TestHub(limits: limits(outputBytes: 50))
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        for number in 0..<2 { _ = try hub.send("\(number)", on: "c", by: a, tag: "\(number)") }
        let delivery = try #require(hub.takeDeliveries().first)
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeDeliveries().isEmpty)
        hub.machine.outputWritten(65, of: b)
        #expect(hub.takeDeliveries().count == 1)
    }

    @Test("Poison ends a paused receive")
    func poisonEndsAPausedReceive() throws {
        var hub = TestHub(limits: limits(outputBytes: 50))
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r")
        _ = try hub.send("0", on: "c", by: a)
        _ = hub.takeLateReplies()
        #expect(try hub.poison("c", "over", by: a) == .done(.ok))
        #expect(try hub.takeLateReplies() == [LateReply(b, "r", .poisoned("c", because: "over"))])
        #expect(hub.machine.parkedCount == 0)
        hub.machine.outputWritten(65, of: b)
        #expect(hub.takeLateReplies().isEmpty)
    }

    @Test("A paused receive is answered CLOSED when it resumes, even if the name is free again")
    func aPausedReceiveIsClosedWhenItResumes() throws {
        var hub = TestHub(limits: limits(outputBytes: 50))
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r")
        _ = try hub.send("0", on: "c", by: a)
        _ = hub.takeLateReplies()
        #expect(try hub.close("c", by: a) == .done(.ok))
        hub.pass(.seconds(100))
        #expect(hub.machine.channels.count == 0)
        #expect(try hub.send("other", on: "c", by: a, tag: "s").isParked)
        hub.machine.outputWritten(65, of: b)
        #expect(try hub.takeLateReplies() == [LateReply(b, "r", .closed("c"))])
        #expect(hub.machine.channels.count == 1)
        #expect(hub.machine.channels.tombstoneCount == 0)
    }

    // MARK: Half-close

    @Test("Half-close ends a counted receive, and later ones end instead of pausing")
    func halfCloseEndsACountedReceive() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        hub.endInput(of: b)
        #expect(hub.takeLateReplies() == [LateReply(b, "r", .cancelled("eof"))])
        for number in 0..<2 { _ = try hub.send("\(number)", on: "c", by: a, tag: "\(number)") }
        _ = try hub.stream(from: "c", by: b, tag: "r", lease: .seconds(1))
        let lateReplies = hub.takeLateReplies()
        #expect(lateReplies.count == 2)
        #expect(lateReplies.last == LateReply(b, "r", .cancelled("eof")), "the client cannot acknowledge it any more")
        _ = try hub.stream(from: "d", by: b, tag: "w", waitsAfterEOF: true)
        #expect(hub.machine.parkedCount == 3)
    }

    // MARK: Other kinds of channels

    @Test("A counted receive on a once channel gets the value and CLOSED")
    func aOnceChannelIsOneMessageAndTheEnd() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        _ = try hub.open("c", .once, by: a)
        _ = try hub.stream(5, from: "c", by: b, tag: "r")
        _ = try hub.send("v", on: "c", by: a)
        #expect(try hub.takeLateReplies() == [message("v", to: b), LateReply(b, "r", .closed("c"))])
        _ = try hub.stream(1, from: "c", by: c, tag: "r")
        #expect(try hub.takeLateReplies() == [message("v", to: c), LateReply(c, "r", .end)])
    }

    @Test("A counted receive gets the messages of a closed channel and then CLOSED")
    func aClosedChannelIsReceivedToItsEnd() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(3), by: a)
        for number in 0..<2 { _ = try hub.send("\(number)", on: "c", by: a) }
        _ = try hub.close("c", by: a)
        _ = try hub.stream(from: "c", by: b, tag: "r")
        #expect(
            try hub.takeLateReplies() == [message("0", to: b), message("1", to: b), LateReply(b, "r", .closed("c"))])
    }

    @Test("Repeated sends are forwarded only while the client has credit")
    func repeatedSendsAreForwardedWithinTheCredit() throws {
        var limits = HubLimits()
        limits.outputBytes = 1000
        var hub = TestHub(limits: limits)
        let (sender, receiver) = (hub.connect(), hub.connect())
        #expect(try hub.stream(from: "c", by: receiver, tag: "r").isParked)
        #expect(try hub.send("x", on: "c", by: sender) == .done(.ok))
        var forwarded = 1
        while hub.machine.forwardByHint(.owned([1])) { forwarded += 1 }
        let credit = limits.outputBytes / HubStateMachine.outputBytes(ofMessage: 1)
        #expect(forwarded == credit)
        let unwritten = hub.machine.clients[receiver]?.unwrittenBytes
        #expect(unwritten == credit * HubStateMachine.outputBytes(ofMessage: 1))
    }
}
