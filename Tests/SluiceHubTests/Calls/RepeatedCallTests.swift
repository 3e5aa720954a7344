import SluiceRuntime
import SluiceWire
import Testing

@testable import SluiceHub

/// Calls with an id, whose answer is kept for those that repeat them, in the state machine.
@Suite struct RepeatedCallTests {
    /// Answers a call with an id that is sent now.
    private func answer(
        _ hub: inout TestHub, with text: String?, id: String, from caller: ConnectionID, by worker: ConnectionID
    ) throws {
        #expect(try hub.call("7", on: "c", by: caller, tag: "call", id: id).isParked)
        let delivery = try #require(try hub.receive(from: "c", by: worker, lease: .seconds(5)).delivery)
        #expect(hub.ack(delivery, by: worker, answer: text) == .done(.ok))
        #expect(hub.takeLateReplies().count == 1)
    }

    @Test("A repeated call gets the same answer, or the same OK", arguments: ["49", "", nil])
    func aRepeatedCallGetsTheSameAnswer(text: String?) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        try answer(&hub, with: text, id: "x", from: a, by: b)
        let expected = text.map { Reply.answer($0, isDuplicate: true) } ?? .duplicate
        for client in [a, b] {
            #expect(try hub.call("7", on: "c", by: client, id: "x") == .done(expected))
            #expect(try hub.call("7", on: "c", by: client, timeout: .zero, id: "x") == .done(expected))
        }
        hub.disconnect(a)
        #expect(try hub.call("7", on: "c", by: b, id: "x") == .done(expected), "its caller has gone")
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout))
        hub.pass(.seconds(121))
        hub.expectEmpty()
        #expect(try hub.call("7", on: "c", by: b, timeout: .zero, id: "x") == .done(.timeout), "the id is forgotten")
    }

    @Test("Calls that join a pending one get its answer")
    func joinedCallsGetTheAnswer() throws {
        var hub = TestHub()
        let (a, b, c) = (hub.connect(), hub.connect(), hub.connect())
        #expect(try hub.call("7", on: "c", by: a, tag: "1", id: "x").isParked)
        #expect(try hub.call("7", on: "c", by: b, tag: "2", id: "x").isParked)
        let delivery = try #require(try hub.receive(from: "c", by: c, lease: .seconds(5)).delivery)
        #expect(try hub.call("7", on: "c", by: c, tag: "3", id: "x").isParked)
        #expect(hub.ack(delivery, by: c, answer: "49") == .done(.ok))
        #expect(
            hub.takeLateReplies() == [
                LateReply(a, "1", .answer("49")), LateReply(b, "2", .answer("49", isDuplicate: true)),
                LateReply(c, "3", .answer("49", isDuplicate: true)),
            ])
        hub.pass(.seconds(121))
        hub.expectEmpty()
    }

    @Test("The answer to a call whose caller has gone is kept for the one that repeats it")
    func anAnswerIsKeptForALostCaller() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.call("7", on: "c", by: a, id: "x")
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(5)).delivery)
        hub.disconnect(a)
        #expect(hub.ack(delivery, by: b, answer: "49") == .done(.ok))
        let again = hub.connect()
        #expect(try hub.call("7", on: "c", by: again, id: "x") == .done(.answer("49", isDuplicate: true)))
    }

    @Test("An id belongs to the command that has used it first", arguments: [false, true])
    func anIdBelongsToOneCommand(isAnswered: Bool) throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        _ = try hub.call("7", on: "c", by: a, tag: "1", id: "call")
        _ = try hub.send("7", on: "c", by: a, tag: "2", id: "send")
        if isAnswered {
            let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(5)).delivery)
            #expect(hub.ack(delivery, by: b, answer: "49") == .done(.ok))
            _ = try hub.receive(from: "c", by: b)
        }
        #expect(try hub.send("7", on: "c", by: a, id: "call").refusal == .conflict)
        #expect(try hub.select("recv d", "send id=call c 7", by: a).refusal == .conflict)
        #expect(try hub.call("7", on: "c", by: a, id: "send").refusal == .conflict)
    }

    @Test("The repeated calls of a long line of clients are told in slices, and none of them twice")
    func joinedCallsAreToldInSlices() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        let calls = try (0..<9).map { try #require(try hub.call("7", on: "c", by: a, tag: "\($0)", id: "x").parked) }
        let delivery = try #require(try hub.receive(from: "c", by: b, lease: .seconds(5)).delivery)
        hub.machine.sliceEnd = hub.machine.steps + 3
        #expect(hub.ack(delivery, by: b, answer: "49") == .done(.ok))
        #expect(hub.takeLateReplies().count == 3)
        #expect(!hub.machine.unfinished.isEmpty)
        hub.machine.sliceEnd = hub.machine.steps
        hub.cancel(calls[8])
        #expect(hub.takeLateReplies() == [LateReply(a, "8", .answer("49", isDuplicate: true))])
        hub.machine.sliceEnd = .max
        hub.machine.continueUnfinished()
        let told = hub.takeLateReplies()
        #expect(told.compactMap { $0.tag?.description } == ["3", "4", "5", "6", "7"])
        #expect(told.allSatisfy { $0.reply == .answer("49", isDuplicate: true) })
        hub.pass(.seconds(121))
        hub.expectEmpty()
    }

    // MARK: Memory

    @Test("A kept answer is charged to its caller until the id is forgotten")
    func aKeptAnswerIsCharged() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(from: 1), hub.connect(from: 2))
        let before = hub.machine.account.used
        try answer(&hub, with: String(repeating: "x", count: 10_000), id: "x", from: a, by: b)
        #expect((10_000..<12_000).contains(hub.machine.account.used - before))
        #expect(hub.machine.clients[a]?.answerBytes ?? 0 >= 10_000)
        #expect(hub.machine.clients[b]?.answerBytes == 0)
        hub.pass(.seconds(121))
        #expect(hub.machine.clients[a]?.answerBytes == 0)
        hub.expectEmpty()
    }

    @Test("Answers beyond a client's share are forgotten, the oldest first, and their ids are not")
    func theOldestAnswersAreForgotten() throws {
        var hub = TestHub(limits: limits { $0.memory = 8 << 20 })
        let (a, b) = (hub.connect(), hub.connect())
        let text = String(repeating: "x", count: 100_000)
        for id in 0..<5 { try answer(&hub, with: text, id: "\(id)", from: a, by: b) }
        let replies = try (0..<5).map { try hub.call("7", on: "c", by: b, id: "\($0)") }
        #expect(replies.first == .done(.maybe("answer")))
        #expect(replies.last == .done(.answer(text, isDuplicate: true)))
        #expect(replies.filter { $0 == .done(.maybe("answer")) }.count == 3, "a quarter of the share is 256 KiB")
        #expect(try hub.receive(from: "c", by: b, timeout: .zero) == .done(.timeout), "no call was delivered again")
        let large = String(repeating: "y", count: 300_000)
        try answer(&hub, with: large, id: "large", from: a, by: b)
        #expect(try hub.call("7", on: "c", by: b, id: "large") == .done(.maybe("answer")))
        hub.pass(.seconds(121))
        hub.expectEmpty()
    }

    @Test("The bounded number of remembered ids bounds the kept answers")
    func forgottenIdsForgetTheirAnswers() throws {
        var hub = TestHub(limits: limits { $0.maxRememberedSends = 2 })
        let (a, b) = (hub.connect(), hub.connect())
        for id in 0..<4 { try answer(&hub, with: "49", id: "\(id)", from: a, by: b) }
        #expect(hub.machine.clients[a]?.answerBytes == 2 * KeptAnswer.charge(for: 2))
        #expect(try hub.call("7", on: "c", by: b, timeout: .zero, id: "0") == .done(.timeout))
    }
}
