import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Calls and their answers, in the state machine.
@Suite struct CallTests {
    /// Begins a call, and receives its message under a lease.
    private func begin(
        _ hub: inout TestHub, from caller: ConnectionID, to worker: ConnectionID, timeout: Duration? = nil,
        id: String? = nil
    ) throws -> DeliveryID {
        #expect(try hub.call("7", on: "c", by: caller, tag: "call", timeout: timeout, id: id).isParked)
        return try #require(try hub.receive(from: "c", by: worker, lease: .seconds(5)).delivery)
    }

    @Test("The answer of an acknowledgement is the reply to the call", arguments: ["49", "", "a\nb"])
    func anAnswerIsTheReply(answer: String) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let delivery = try begin(&hub, from: a, to: b)
        #expect(hub.ack(delivery, by: b, answer: answer) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "call", .answer(answer))])
        #expect(hub.ack(delivery, by: b, answer: answer).refusal == .stale, "an answer is given once")
        hub.expectEmpty()
    }

    @Test("A call whose message is taken without an answer is answered OK")
    func aCallWithoutAnAnswerIsOK() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let delivery = try begin(&hub, from: a, to: b)
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "call", .ok)])
        #expect(try hub.call("7", on: "c", by: a, tag: "1").isParked)
        #expect(try hub.receive(from: "c", by: b) == .done(.message("7", from: "c")))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok)])
        _ = try hub.receive(from: "c", by: b, tag: "r")
        #expect(try hub.call("7", on: "c", by: a) == .done(.ok), "a waiting receive without a lease takes it at once")
        _ = hub.takeLateReplies()
        hub.expectEmpty()
    }

    @Test("A leased message says that an answer is wanted")
    func aLeasedMessageSaysThatAnAnswerIsWanted() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.call("7", on: "c", by: a, tag: "call")
        for attempt in 1...2 {
            guard case .done(.message(_, _, let attributes)) = try hub.receive(from: "c", by: b, lease: .seconds(1))
            else {
                Issue.record("no message")
                return
            }
            #expect(attributes.isCall && attributes.attempt == attempt)
            #expect(hub.nack(try #require(attributes.delivery), by: b) == .done(.ok))
        }
        guard case .done(.message(_, _, let plain)) = try hub.receive(from: "c", by: b) else { return }
        #expect(!plain.isCall, "a receive without a lease cannot answer")
    }

    @Test("The answer to a plain SEND is dropped, and the acknowledgement says so")
    func theAnswerToASendIsDropped() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for id in [nil, "x"] {
            _ = try hub.send("7", on: "c", by: a, tag: "send", id: id)
            let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(5)).delivery)
            #expect(hub.ack(delivery, by: b, answer: "49") == .done(.unwanted))
            #expect(hub.takeLateReplies() == [LateReply(a, "send", .ok)])
        }
        #expect(try hub.send("7", on: "c", by: a, id: "x") == .done(.duplicate))
    }

    @Test("A call waits until its message is taken, even if a buffer could keep it")
    func aCallWaitsUntilItIsTaken() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(9), by: b)
        let delivery = try begin(&hub, from: a, to: b)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(hub.ack(delivery, by: b, answer: "49") == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "call", .answer("49"))])
        _ = try hub.receive(from: "c", by: b, tag: "r", lease: .seconds(5))
        #expect(try hub.call("8", on: "c", by: a, tag: "1").isParked, "the waiting receiver has a lease")
        let other = try #require(hub.takeDeliveries().first)
        #expect(hub.ack(other, by: b, answer: "64") == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .answer("64"))])
        #expect(try hub.call("9", on: "c", by: a, timeout: .zero) == .done(.timeout))
        #expect(try hub.close("c", by: b) == .done(.ok))
        hub.machine.now += 100_000_000_000
        hub.machine.expire()
        hub.expectEmpty()
    }

    @Test("Broadcast and once channels answer a call without an answer", arguments: [false, true])
    func channelsWithoutLeasesGiveNoAnswer(isOnce: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", isOnce ? .once : .broadcast, by: a)
        _ = try hub.receive(from: "c", by: b, tag: "r")
        #expect(try hub.call("7", on: "c", by: a) == .done(isOnce ? .ok : .ok(receivers: 1)))
    }

    // MARK: Without an answer

    @Test("A call that ends before its message is taken gets a definite reply")
    func aCallThatIsNotTakenIsDefinite() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let call = try #require(try hub.call("7", on: "c", by: a, tag: "1").parked)
        hub.cancel(call)
        _ = try hub.call("7", on: "c", by: a, tag: "2", timeout: .seconds(1))
        hub.pass(.seconds(1))
        _ = try hub.call("7", on: "c", by: a, tag: "3")
        _ = try hub.call("7", on: "c", by: a, tag: "4", waitsAfterEOF: true)
        hub.endInput(of: a)
        _ = try hub.poison("c", "bad", by: b)
        #expect(
            try hub.takeLateReplies() == [
                LateReply(a, "1", .cancelled(nil)), LateReply(a, "2", .timeout), LateReply(a, "3", .cancelled("eof")),
                LateReply(a, "4", .poisoned("c", because: "bad")),
            ])
    }

    @Test("A call that ends while its message is under a lease is in doubt, and a later answer is dropped")
    func aCallUnderLeaseIsInDoubt() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let first = try begin(&hub, from: a, to: b, timeout: .seconds(1))
        hub.pass(.seconds(1))
        #expect(hub.takeLateReplies() == [LateReply(a, "call", .maybe("timeout"))])
        #expect(hub.ack(first, by: b, answer: "49") == .done(.unwanted))
        let second = try begin(&hub, from: a, to: b)
        hub.endInput(of: a)
        #expect(hub.takeLateReplies() == [LateReply(a, "call", .maybe("eof"))])
        #expect(hub.ack(second, by: b, answer: "49") == .done(.unwanted))
        let third = try begin(&hub, from: b, to: b)
        hub.disconnect(b)
        #expect(hub.takeLateReplies().isEmpty)
        #expect(hub.ack(third, by: a, answer: "49").refusal == .stale)
        hub.expectEmpty()
    }

    @Test("The message of a worker that dies before it answers goes to the next one, whose answer is the reply")
    func anotherWorkerAnswers() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        let first = try begin(&hub, from: a, to: b)
        _ = try hub.receive(from: "c", by: c, tag: "r", lease: .seconds(5))
        hub.disconnect(b)
        let second = try #require(hub.takeDeliveries().first)
        #expect(hub.ack(first, by: c, answer: "of the first").refusal == .stale)
        #expect(hub.ack(second, by: c, answer: "49") == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "call", .answer("49"))])
    }

    @Test("A draining hub lets a worker answer, and refuses new calls")
    func aDrainingHubLetsWorkersAnswer() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let delivery = try begin(&hub, from: a, to: b)
        hub.machine.drain()
        #expect(try hub.call("7", on: "c", by: a).refusal == .draining)
        #expect(hub.ack(delivery, by: b, answer: "49") == .done(.ok))
        #expect(hub.takeLateReplies().compactMap(\.reply) == [.answer("49")])
    }

    @Test("The epoch of a call with an id is checked")
    func theEpochIsChecked() throws {
        var hub = TestHub(epoch: 42)
        let a = hub.connect()
        #expect(try hub.call("7", on: "c", by: a, id: "x", epoch: 41) == .done(.maybe("epoch")))
        #expect(try hub.call("7", on: "c", by: a, timeout: .zero, id: "x", epoch: 42) == .done(.timeout))
    }
}
