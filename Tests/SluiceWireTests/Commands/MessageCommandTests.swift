import SluiceWire
import Testing

/// The options of `SEND` and `RECV`, and the commands for leases.
@Suite struct MessageCommandTests {
    private func send(_ options: String) throws -> SendCommand {
        guard case .send(let command) = try command("SEND \(options) jobs hello") else { throw Unexpected() }
        #expect(command.channel == (try channel("jobs")))
        #expect(command.body.body == Body("hello"))
        return command
    }

    private func receive(_ options: String) throws -> ReceiveCommand {
        let steps = RequestFeed.steps(of: "#a RECV \(options) jobs\n")
        guard steps.count == 1, case .receive(let command) = steps[0].command else { throw Unexpected() }
        #expect(command.channel == (try channel("jobs")))
        return command
    }

    private struct Unexpected: Error {}

    @Test("A SEND without options has none set")
    func aSendWithoutOptionsLeavesThemOpen() throws {
        #expect(
            try command("SEND jobs hello") == .send(SendCommand(channel: try channel("jobs"), body: Body("hello"))))
    }

    @Test("SEND takes id= and epoch=", arguments: ["x", "A.b_c:d/e-f", "-", "0", "9223372036854775808", "id:x"])
    func aSendMayHaveAnIdentity(_ id: String) throws {
        #expect(try send("id=\(id)").identity == SendIdentity(try message(id)))
        #expect(try send("epoch=7 id=\(id)").identity == SendIdentity(try message(id), epoch: 7))
        #expect(try send("ID=\(id) EPOCH=0").identity == SendIdentity(try message(id), epoch: 0))
        #expect(try send("id=\(id) epoch=\(Int.max)").identity == SendIdentity(try message(id), epoch: .max))
    }

    @Test("SEND takes every value of until=", arguments: SendGoal.allCases)
    func everyGoalIsKnown(_ goal: SendGoal) throws {
        #expect(try send("until=\(goal.rawValue)").until == goal)
        #expect(try send("UNTIL=\(goal.rawValue)").until == goal)
    }

    @Test("SEND takes need=", arguments: [0, 1, 2, 1000, Int.max])
    func aSendMayNeedReceivers(_ number: Int) throws {
        #expect(try send("need=\(number)").minimumReceivers == number)
    }

    @Test("SEND takes all its options at once")
    func aSendTakesAllItsOptions() throws {
        let expected = SendCommand(
            channel: try channel("jobs"), body: Body("hello"), timeout: .seconds(5),
            identity: SendIdentity(try message("m"), epoch: 3), until: .taken, minimumReceivers: 2, waitsAfterEOF: true)
        #expect(try send("timeout=5s id=m epoch=3 until=taken need=2 eof=wait") == expected)
        #expect(try send("eof=wait need=2 until=taken epoch=3 id=m timeout=5s") == expected)
        let line = "SEND timeout=5s len=5 id=m epoch=3 until=taken need=2 eof=wait jobs\nhello"
        #expect(try command(line) == .send(expected))
    }

    @Test(
        "An invalid SEND is refused",
        arguments: [
            ("SEND id= jobs x", "bad-name"), ("SEND id=ä jobs x", "bad-name"), ("SEND id=a,b jobs x", "bad-name"),
            ("SEND id=a\tb jobs x", "bad-name"), ("SEND id=a=b jobs x", "bad-name"),
            ("SEND id=a id=a jobs x", "bad-option"),
            ("SEND id=a ID=b jobs x", "bad-option"), ("SEND epoch=1 jobs x", "bad-option"),
            ("SEND epoch=0 jobs x", "bad-option"), ("SEND id=a epoch= jobs x", "bad-number"),
            ("SEND id=a epoch=-1 jobs x", "bad-number"), ("SEND id=a epoch=01 jobs x", "bad-number"),
            ("SEND id=a epoch=x jobs x", "bad-number"), ("SEND id=a epoch=9223372036854775808 jobs x", "bad-number"),
            ("SEND id=a epoch=1 epoch=1 jobs x", "bad-option"), ("SEND until= jobs x", "bad-option"),
            ("SEND until=TAKEN jobs x", "bad-option"), ("SEND until=done jobs x", "bad-option"),
            ("SEND until=taken until=taken jobs x", "bad-option"), ("SEND need= jobs x", "bad-number"),
            ("SEND need=-1 jobs x", "bad-number"), ("SEND need=01 jobs x", "bad-number"),
            ("SEND need=* jobs x", "bad-number"), ("SEND need=1.5 jobs x", "bad-number"),
            ("SEND need=9223372036854775808 jobs x", "bad-number"), ("SEND need=0 need=0 jobs x", "bad-option"),
            ("SEND count=1 jobs x", "bad-option"), ("SEND window=1 jobs x", "bad-option"),
            ("SEND cap=1 jobs x", "bad-option"),
            ("SEND parties=1 jobs x", "bad-option"), ("SEND format=text jobs x", "bad-option"),
            ("SEND delay=1 jobs x", "bad-number"), ("SEND end=send jobs x", "bad-option"), ("SEND id=a", "syntax"),
        ])
    func badSendsAreRefused(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }

    @Test(
        "RECV takes lease=",
        arguments: [("1ms", Duration.milliseconds(1)), ("30s", .seconds(30)), ("876000h", Limits.maxDuration)])
    func aReceiveMayHaveALease(_ text: String, _ lease: Duration) throws {
        #expect(
            try command("RECV lease=\(text) a") == .receive(ReceiveCommand(channel: try channel("a"), lease: lease)))
    }

    @Test(
        "RECV takes count= only with a tag",
        arguments: [("1", ReceiveCount.exactly(1)), ("\(Int.max)", .exactly(.max)), ("*", .endless)])
    func aTaggedReceiveMayBeCounted(_ text: String, _ count: ReceiveCount) throws {
        #expect(try receive("count=\(text)").count == count)
        expectRefusal("RECV count=\(text) jobs", "bad-option")
    }

    @Test("A counted receive with a lease takes window=", arguments: [1, 2, 1023, 1024])
    func aCountedReceiveWithALeaseMayHaveAWindow(_ window: Int) throws {
        #expect(try receive("lease=1s count=* window=\(window)").window == window)
    }

    @Test("RECV takes all its options at once")
    func aReceiveTakesAllItsOptions() throws {
        let expected = ReceiveCommand(
            channel: try channel("jobs"), timeout: .zero, lease: .seconds(60), count: .exactly(5), window: 2,
            waitsAfterEOF: true)
        #expect(try receive("timeout=0 lease=1m count=5 window=2 eof=wait") == expected)
        #expect(try receive("EOF=wait WINDOW=2 COUNT=5 LEASE=1m TIMEOUT=0") == expected)
    }

    @Test(
        "An invalid RECV is refused",
        arguments: [
            ("RECV lease=0 jobs", "bad-number"), ("RECV lease=0ms jobs", "bad-number"),
            ("RECV lease=0h jobs", "bad-number"),
            ("RECV lease= jobs", "bad-number"), ("RECV lease=1 jobs", "bad-number"),
            ("RECV lease=-1s jobs", "bad-number"),
            ("RECV lease=876001h jobs", "bad-number"), ("RECV lease=1s lease=1s jobs", "bad-option"),
            ("#a RECV count=0 jobs", "bad-number"), ("#a RECV count= jobs", "bad-number"),
            ("#a RECV count=-1 jobs", "bad-number"), ("#a RECV count=01 jobs", "bad-number"),
            ("#a RECV count=** jobs", "bad-number"), ("#a RECV count=9223372036854775808 jobs", "bad-number"),
            ("#a RECV count=1 count=* jobs", "bad-option"), ("RECV count=0 jobs", "bad-number"),
            ("#a RECV window=1 jobs", "bad-option"), ("#a RECV lease=1s window=1 jobs", "bad-option"),
            ("#a RECV count=1 window=1 jobs", "bad-option"), ("RECV lease=1s window=1 jobs", "bad-option"),
            ("#a RECV lease=1s count=* window=0 jobs", "bad-number"),
            ("#a RECV lease=1s count=* window=* jobs", "bad-number"),
            ("#a RECV lease=1s count=* window= jobs", "bad-number"),
            ("#a RECV lease=1s count=* window=1 window=1 jobs", "bad-option"),
            ("RECV need=1 jobs", "bad-option"), ("RECV until=taken jobs", "bad-option"),
            ("RECV epoch=1 jobs", "bad-option"),
            ("RECV parties=1 jobs", "bad-option"), ("RECV delay=1s jobs", "bad-option"), ("RECV lease=1s", "syntax"),
        ])
    func badReceivesAreRefused(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }

    @Test(
        "ACK, NACK and TOUCH take a delivery id",
        arguments: [("0.0", 0, 0), ("1.2", 1, 2), ("4294967295.4294967295", UInt32.max, UInt32.max)])
    func attemptsAreNamed(_ text: String, _ serial: UInt32, _ slot: UInt32) throws {
        let delivery = DeliveryID(serial: serial, slot: slot)
        #expect(delivery.description == text)
        #expect(DeliveryID(text) == delivery)
        #expect(try command("ACK \(text)") == .acknowledge(AcknowledgeCommand(delivery)))
        #expect(try command("TOUCH \(text)") == .touch(delivery))
        #expect(try command("NACK \(text)") == .nack(NackCommand(delivery)))
        #expect(try command("NACK delay=0 \(text)") == .nack(NackCommand(delivery, delay: .zero)))
        #expect(try command("nack DELAY=5s \(text)") == .nack(NackCommand(delivery, delay: .seconds(5))))
    }

    @Test(
        "ACK takes an answer, and tells an empty one from none",
        arguments: [
            ("ACK 1.2", nil), ("ACK 1.2 ", nil), ("ACK 1.2   ", nil), ("ACK len=0 1.2\n", ""),
            ("ACK 1.2 49", "49"), ("ACK 1.2  49 ", " 49 "), ("ACK 1.2 len=5", "len=5"), ("ACK len=3 1.2\na\nb", "a\nb"),
            ("ack LEN=5 1.2\nQUIT\n", "QUIT\n"),
        ])
    func acknowledgementsAnswer(_ line: String, _ answer: String?) throws {
        let delivery = DeliveryID(serial: 1, slot: 2)
        #expect(
            try command(line) == .acknowledge(AcknowledgeCommand(delivery, answer: answer.map { .owned(Body($0)) })))
    }

    @Test(
        "ACK reply=error asks for a reply only if it fails",
        arguments: [
            ("ACK reply=error 1.2", nil), ("ack REPLY=error 1.2 yes", "yes"), ("ACK reply=error len=2 1.2\nno", "no"),
            ("ACK len=2 reply=error 1.2\nno", "no"),
        ])
    func acknowledgementsMayBeUnreported(_ line: String, _ answer: String?) throws {
        let expected = AcknowledgeCommand(
            DeliveryID(serial: 1, slot: 2), answer: answer.map { .owned(Body($0)) }, repliesOnlyToFailure: true)
        #expect(try command(line) == .acknowledge(expected))
    }

    @Test(
        "reply= is for ACK alone, and must be error",
        arguments: [
            "ACK reply=no 1.2", "ACK reply= 1.2", "ACK reply=error reply=error 1.2", "NACK reply=error 1.2",
            "TOUCH reply=error 1.2",
        ])
    func otherRepliesAreRefused(_ line: String) { expectRefusal(line, "bad-option") }

    @Test("CALL is a SEND whose receiver may answer")
    func aCallIsASend() throws {
        let jobs = try channel("jobs")
        let plain = SendCommand(channel: jobs, body: Body("7"), wantsAnswer: true)
        #expect(try command("CALL jobs 7") == .send(plain))
        #expect(try command("call len=1 jobs\n7") == .send(plain))
        #expect(Command.send(plain).verb == .call)
        let full = SendCommand(
            channel: jobs, body: Body("7"), timeout: .seconds(5), identity: SendIdentity(try message("m"), epoch: 3),
            wantsAnswer: true, waitsAfterEOF: true)
        #expect(try command("CALL timeout=5s id=m epoch=3 eof=wait jobs 7") == .send(full))
        for option in ["until=taken", "need=1", "lease=1s", "count=1"] {
            expectRefusal("CALL \(option) jobs 7", "bad-option")
        }
    }

    @Test("An invalid delivery id is refused", arguments: ["ACK", "NACK", "NACK delay=1s", "TOUCH"])
    func whatIsNoAttemptIsRefused(_ verb: String) {
        for text in [
            "1", "1.", ".1", ".", "1.2.3", "01.2", "1.02", "+1.2", "1.-2", "4294967296.0", "0.4294967296", "a.b", "1,2",
            "1.2\u{0}", "did:1.2", "#1.2", "18446744073709551616.0",
        ] {
            #expect(DeliveryID(text) == nil)
            expectRefusal("\(verb) \(text)", "bad-name")
        }
        expectRefusal("\(verb) did=1.2", "bad-option")
        expectRefusal(verb, "syntax")
        expectRefusal("\(verb) ", "syntax")
        expectRefusal("\(verb)  1.2", "syntax")
        if verb != "ACK" { expectRefusal("\(verb) 1.2 3.4", "syntax") }
        expectRefusal("\(verb) timeout=1s 1.2", "bad-option")
    }

    @Test("The rest of a REJECT is its reason")
    func theRestOfAReject() throws {
        let delivery = DeliveryID(serial: 1, slot: 2)
        #expect(try command("REJECT 1.2") == .reject(RejectCommand(delivery)))
        #expect(try command("reject 1.2 it is bad") == .reject(RejectCommand(delivery, reason: "it is bad")))
        #expect(try command("REJECT 1.2 len=3") == .reject(RejectCommand(delivery, reason: "len=3")))
        for line in ["REJECT", "REJECT "] { expectRefusal(line, "syntax") }
        expectRefusal("REJECT x", "bad-name")
        expectRefusal("REJECT delay=1s 1.2", "bad-option")
    }

    @Test(
        "ACK, NACK and TOUCH refuse invalid options",
        arguments: [
            ("NACK delay= 1.2", "bad-number"), ("NACK delay=1 1.2", "bad-number"), ("NACK delay=x 1.2", "bad-number"),
            ("NACK delay=1s delay=1s 1.2", "bad-option"), ("ACK delay=1s 1.2", "bad-option"),
            ("TOUCH delay=1s 1.2", "bad-option"), ("TOUCH lease=1s 1.2", "bad-option"),
        ])
    func badOptionsOfAttemptsAreRefused(_ line: String, _ code: String) {
        expectRefusal(line, code)
    }
}
