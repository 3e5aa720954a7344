import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// `OPEN max-attempts= dead= retry=`, and `REDRIVE`.
@Suite struct FailurePolicyTests {
    private let second = Duration.seconds(1)

    enum AttemptEnd: CaseIterable { case nack, expiry, disconnection }

    @Test("A message is rejected when its last attempt ends without ACK", arguments: AttemptEnd.allCases)
    func theLastAttemptRejects(_ end: AttemptEnd) throws {
        var hub = TestHub()
        let a = hub.connect()
        _ = try hub.open("c", maxAttempts: 3, by: a)
        #expect(try hub.send("1", on: "c", by: a, tag: "1").isParked)
        for _ in 1...3 {
            #expect(hub.takeLateReplies().isEmpty)
            let b = hub.connect()
            let delivery = try #require(try hub.receive(from: "c", by: b, timeout: .zero, lease: second).delivery)
            switch end {
            case .nack: #expect(hub.nack(delivery, by: b) == .done(.ok))
            case .expiry: hub.pass(second)
            case .disconnection: hub.disconnect(b)
            }
        }
        #expect(hub.takeLateReplies() == [LateReply(a, "1", try .rejected("c", because: "attempts"))])
        #expect(try hub.receive(from: "c", by: a, timeout: .zero) == .done(.timeout))
        #expect(hub.machine.totals.rejections == 1)
    }

    @Test("A client that understands it learns that its NACK has rejected the message", arguments: [false, true])
    func theLastNackTellsOfTheRejection(understands: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        hub.machine.clients[b]?.understandsRejected = understands
        _ = try hub.open("c", .buffer(1), maxAttempts: 2, by: a)
        _ = try hub.open("full", .buffer(1), by: a)
        _ = try hub.send("0", on: "full", by: a)
        _ = try hub.open("d", .buffer(1), maxAttempts: 2, dead: "full", by: a)
        let told = Outcome.done(understands ? .ok([Attribute(.rejected, flag: true)]) : .ok)
        // Even if the message waits for its dead channel, no receiver gets it again.
        for channel in ["c", "d"] {
            #expect(try hub.send("1", on: channel, by: a) == .done(.ok))
            for outcome in [.done(.ok), told] {
                let delivery = try #require(try hub.receive(from: channel, by: b, lease: second).delivery)
                #expect(hub.nack(delivery, by: b, delay: .zero) == outcome)
            }
        }
    }

    @Test("The last attempt can be acknowledged")
    func theLastAttemptCounts() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", maxAttempts: 1, by: a)
        #expect(try hub.send("1", on: "c", by: a, tag: "1").isParked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.ack(delivery, by: b) == .done(.ok))
        #expect(hub.takeLateReplies() == [LateReply(a, "1", .ok)])
    }

    @Test(
        "The time between attempts doubles, up to an hour, and a delay of NACK can only lengthen it",
        arguments: [1, 40])
    func theDelayDoubles(ofNack: Int) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), retry: second, by: a)
        #expect(try hub.send("1", on: "c", by: a) == .done(.ok))
        for delay in [1, 2, 4, 8] {
            let delivery = try #require(try hub.receive(from: "c", by: b, timeout: .zero, lease: second).delivery)
            #expect(hub.nack(delivery, by: b) == .done(.ok))
            hub.pass(.milliseconds(delay * 1000 - 1))
            #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
            hub.pass(.milliseconds(1))
        }
        let delivery = try #require(try hub.receive(from: "c", by: b, timeout: .zero, lease: second).delivery)
        #expect(hub.nack(delivery, by: b, delay: .seconds(ofNack)) == .done(.ok))
        hub.pass(.seconds(max(ofNack, 16)) - .nanoseconds(1))
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        hub.pass(.nanoseconds(1))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(FailurePolicy(retryDelay: second).delay(afterAttempts: 4000) == .seconds(3600))
        #expect(FailurePolicy(retryDelay: .seconds(7200)).delay(afterAttempts: 1) == .seconds(3600))
    }

    @Test("Repeating the policy is OK, and changing it is a conflict")
    func aChangedPolicyIsAConflict() throws {
        var hub = TestHub()
        let a = hub.connect()
        #expect(try hub.open("c", maxAttempts: 3, dead: "d", retry: second, by: a) == .done(.ok))
        #expect(try hub.open("c", maxAttempts: 3, dead: "d", retry: second, by: a) == .done(.ok))
        #expect(try hub.open("c", maxAttempts: 4, dead: "d", retry: second, by: a).refusal == .conflict)
        #expect(try hub.open("c", maxAttempts: 3, dead: "e", retry: second, by: a).refusal == .conflict)
        #expect(try hub.open("c", maxAttempts: 3, dead: "d", by: a).refusal == .conflict)
        #expect(try hub.open("c", by: a).refusal == .conflict)
    }

    // MARK: Dead channels

    /// Opens "c" with the dead channel "d".
    private func open(_ hub: inout TestHub, _ declaration: ChannelDeclaration = .rendezvous, dead: Int = 2) throws
        -> (ConnectionID, ConnectionID)
    {
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", declaration, maxAttempts: 1, dead: "d", by: a)
        _ = try hub.open("d", .buffer(dead), by: a)
        return (a, b)
    }

    /// Sends a message on "c", and has a receiver give it back.
    private func fail(_ text: String, id: String? = nil, _ hub: inout TestHub, _ a: ConnectionID, _ b: ConnectionID)
        throws
    {
        _ = try hub.send(text, on: "c", by: a, tag: text, id: id)
        let delivery = try #require(try hub.receive(from: "c", by: b, timeout: .zero, lease: second).delivery)
        #expect(hub.nack(delivery, by: b) == .done(.ok))
    }

    @Test("A rejected message moves to the dead channel, with its origin")
    func aRejectedMessageMoves() throws {
        var hub = TestHub()
        let (a, b) = try open(&hub)
        try fail("1", id: "k", &hub, a, b)
        #expect(hub.takeLateReplies() == [LateReply(a, "1", try .rejected("c", because: "attempts"))])
        let letter: Attributes = [
            Attribute(.from, encoding: "c"), Attribute(.attempts, 1), Attribute(.reason, encoding: "attempts"),
            Attribute(.id, encoding: "k"),
        ]
        #expect(try hub.receive(from: "d", by: b) == .done(.message(channel("d"), Body("1".utf8), letter)))
        #expect(hub.machine.totals.keptMessages == 0)
        #expect(hub.machine.totals.deadLetters == 1)
    }

    @Test("A waiting receiver of the dead channel gets the message at once", arguments: [false, true])
    func aWaitingReceiverGetsTheDeadLetter(isCounted: Bool) throws {
        var hub = TestHub()
        let (a, b) = try open(&hub)
        let d = hub.connect()
        if isCounted {
            _ = try hub.stream(from: "d", by: d, tag: "r", lease: second)
        } else {
            _ = try hub.receive(from: "d", by: d, tag: "r", lease: second)
        }
        #expect(try hub.send("1", on: "c", by: a, tag: "1").isParked)
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: second).delivery)
        #expect(hub.reject(delivery, "it is bad", by: b) == .done(.ok))
        let replies = hub.takeLateReplies()
        #expect(replies.map(\.connection) == [d, a], "it moves before its sender is told")
        guard case .message(_, _, let attributes)? = replies.first?.reply else { return #expect(Bool(false)) }
        #expect(attributes.others.map(\.value) == ["c", "1", "it%20is%20bad"])
        #expect(hub.nack(try #require(replies.first?.delivery), by: d) == .done(.ok))
        #expect(hub.machine.totals.keptMessages == 1, "it comes back to the dead channel")
    }

    @Test("While the dead channel is full, rejected messages wait, and none is lost")
    func aFullDeadChannelLosesNothing() throws {
        var hub = TestHub()
        let (a, b) = try open(&hub, .buffer(4), dead: 1)
        for text in ["1", "2", "3"] { try fail(text, &hub, a, b) }
        #expect(hub.machine.totals.heldRejections == 2)
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout), "there is no further attempt")
        hub.pass(.seconds(10))
        #expect(hub.machine.totals.heldRejections == 2)
        var got: [String] = []
        for _ in 1...3 {
            guard case .done(.message(_, let body, _)) = try hub.receive(from: "d", by: b, timeout: .zero) else {
                break
            }
            got.append(String(decoding: body, as: UTF8.self))
            hub.pass(second)
        }
        #expect(got == ["1", "2", "3"])
        #expect(hub.machine.totals.heldRejections == 0)
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("While there is no dead channel, only one message of a channel is tried each second")
    func onlyOneHeldMessageIsTried() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(200), maxAttempts: 1, dead: "d", by: a)
        for number in 1...100 { try fail("\(number)", &hub, a, b) }
        #expect(hub.machine.totals.heldRejections == 100)
        let before = hub.machine.steps
        for _ in 1...10 { hub.pass(second) }
        #expect(hub.machine.steps - before <= 10 * 4)
        _ = try hub.open("d", .buffer(60), by: a)
        hub.pass(second)
        #expect(hub.machine.totals.heldRejections == 40)
        var got: [String] = []
        while case .done(.message(_, let body, _)) = try hub.receive(from: "d", by: b, timeout: .zero) {
            got.append(String(decoding: body, as: UTF8.self))
            hub.pass(second)
        }
        #expect(got == (1...100).map { "\($0)" })
    }

    @Test("Rejected messages move in slices, and a channel may be poisoned meanwhile", arguments: [false, true])
    func heldMessagesMoveInSlices(isPoisoned: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(200), maxAttempts: 1, dead: "d", by: a)
        for number in 1...100 { try fail("\(number)", &hub, a, b) }
        _ = try hub.open("d", .buffer(100), by: a)
        hub.machine.sliceEnd = hub.machine.steps + 20
        hub.pass(second)
        #expect((1..<100).contains(hub.machine.totals.heldRejections))
        hub.machine.sliceEnd = .max
        if isPoisoned { _ = try hub.poison("c", by: a) }
        hub.machine.continueUnfinished()
        #expect(hub.machine.totals.heldRejections == 0)
        #expect(isPoisoned || hub.machine.totals.deadLetters == 100)
        for name in ["c", "d"] { _ = try hub.poison(name, by: a) }
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("A message waits while there is no dead channel, or one that does not buffer")
    func aDeadChannelMustBuffer() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(2), maxAttempts: 1, dead: "d", by: a)
        try fail("1", &hub, a, b)
        hub.pass(second)
        _ = try hub.open("d", by: a)
        hub.pass(second)
        #expect(hub.machine.totals.heldRejections == 1)
        _ = try hub.close("d", by: a)
        _ = try hub.open("d", .buffer(1), by: a)
        hub.pass(second)
        #expect(hub.machine.totals.heldRejections == 0)
        #expect(try hub.send("x", on: "d", by: a, timeout: .zero) == .done(.timeout), "the dead channel is full")
    }

    @Test("A sender that stops waiting takes its rejected message with it while the dead channel is full")
    func aSenderTakesItsMessage() throws {
        var hub = TestHub()
        let (a, b) = try open(&hub, dead: 1)
        try fail("1", &hub, a, b)
        let parked = try #require(try hub.send("2", on: "c", by: a, tag: "2").parked)
        let delivery = try #require(try hub.receive(from: "c", by: b, timeout: .zero, lease: second).delivery)
        #expect(hub.nack(delivery, by: b) == .done(.ok))
        #expect(hub.machine.totals.heldRejections == 1)
        _ = hub.takeLateReplies()
        hub.cancel(parked)
        #expect(hub.takeLateReplies() == [LateReply(a, "2", .cancelled(nil))])
        #expect(hub.machine.totals.heldRejections == 0)
    }

    @Test("Two channels may be each other's dead channel")
    func aCycleOfDeadChannels() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.open("c", .buffer(1), maxAttempts: 1, dead: "d", by: a)
        _ = try hub.open("d", .buffer(1), maxAttempts: 1, dead: "c", by: a)
        _ = try hub.send("1", on: "c", by: a)
        for name in ["c", "d", "c", "d"] {
            let delivery = try #require(try hub.receive(from: name, by: b, timeout: .zero, lease: second).delivery)
            #expect(hub.nack(delivery, by: b) == .done(.ok))
        }
        #expect(hub.machine.totals.keptMessages == 1)
        #expect(hub.machine.totals.deadLetters == 4)
    }

    // MARK: REDRIVE

    @Test("REDRIVE sends messages back, the oldest first, and their attempts begin anew", arguments: [1, 2, nil])
    func redriveSendsBack(count: Int?) throws {
        var hub = TestHub()
        let (a, b) = try open(&hub, .buffer(4), dead: 4)
        for text in ["1", "2", "3"] { try fail(text, id: text, &hub, a, b) }
        _ = try hub.send("other", on: "d", by: a)
        let expected = count ?? 3
        #expect(try hub.redrive("d", count: count, by: b) == .done(.ok([Attribute(.count, expected)])))
        for number in 1...expected {
            let outcome = try hub.receive(from: "c", by: b, timeout: .zero, lease: second)
            #expect(outcome == .done(try .message("\(number)", from: "c", outcome.delivery)))
        }
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        #expect(hub.machine.totals.keptMessages == 4)
    }

    @Test("REDRIVE leaves messages whose channel has ended or is full")
    func redriveLeavesWhatHasNoPlace() throws {
        var hub = TestHub()
        let (a, b) = try open(&hub, .buffer(1), dead: 4)
        _ = try hub.open("e", .buffer(4), maxAttempts: 1, dead: "d", by: a)
        try fail("1", &hub, a, b)
        try fail("2", &hub, a, b)
        _ = try hub.send("3", on: "e", by: a)
        let delivery = try #require(try hub.receive(from: "e", by: b, timeout: .zero, lease: second).delivery)
        _ = hub.nack(delivery, by: b)
        #expect(try hub.redrive("d", by: b) == .done(.ok([Attribute(.count, 2)])))
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(try hub.receive(from: "e", by: b) == .done(.message("3", from: "e")))
        _ = try hub.close("c", by: a)
        #expect(try hub.redrive("d", by: b) == .done(.ok([Attribute(.count, 0)])))
        #expect(try hub.redrive("nothing", by: b).refusal == .notFound)
        #expect(hub.machine.totals.keptMessages == 1)
    }

    @Test("A channel without a buffer keeps what REDRIVE sends back")
    func redriveToARendezvous() throws {
        var hub = TestHub()
        let (a, b) = try open(&hub)
        try fail("1", id: "k", &hub, a, b)
        #expect(try hub.redrive("d", by: b) == .done(.ok([Attribute(.count, 1)])))
        #expect(try hub.send("1", on: "c", by: a, id: "k") == .done(.duplicate), "the channel keeps it now")
        #expect(try hub.receive(from: "c", by: b) == .done(.message("1", from: "c")))
        #expect(hub.machine.totals.keptMessages == 0)
    }

    @Test("REDRIVE of many messages takes several slices, and stops when its client goes", arguments: [false, true])
    func redriveInSlices(disconnects: Bool) throws {
        var hub = TestHub()
        let (a, b) = try open(&hub, .buffer(100), dead: 100)
        for number in 1...50 { try fail("\(number)", &hub, a, b) }
        let d = hub.connect()
        hub.machine.sliceEnd = hub.machine.steps + 20
        #expect(try hub.redrive("d", by: d, tag: "r").isParked)
        if disconnects {
            hub.disconnect(d)
        } else {
            for _ in 1...10 where hub.machine.parkedCount > 0 {
                hub.machine.sliceEnd = hub.machine.steps + 20
                hub.machine.continueUnfinished()
            }
            #expect(hub.takeLateReplies().last == LateReply(d, "r", .ok([Attribute(.count, 50)])))
        }
        hub.machine.sliceEnd = .max
        hub.machine.continueUnfinished()
        #expect(hub.machine.unfinished.isEmpty)
        #expect(hub.machine.totals.keptMessages == 50)
    }
}
