import SluiceWire
import Testing

@Suite struct LimitTests {
    private func repeated(_ count: Int, _ text: String = "x") -> String { String(repeating: text, count: count) }

    @Test(arguments: ["\n", "\r\n"])
    func theLongestLineFits(_ end: String) {
        let steps = Conversation.steps(of: "PING " + repeated(8187) + end + "QUIT\n")
        #expect(steps.map(\.command) == [.ping(Body(repeated(8187))), .quit])
    }

    @Test(arguments: [8188, 8189, 8190, 9000, 100_000], ["\n", "\r\n"])
    func aLongerLineIsRefusedOnceAndDiscarded(_ length: Int, _ end: String) {
        let steps = Conversation.steps(of: "PING " + repeated(length) + end + "QUIT\n")
        #expect(steps.map(\.code) == [.tooLong, nil])
        #expect(steps.last?.command == .quit)
    }

    @Test func aCarriageReturnIsNoPartOfTheLongestLineOnlyBeforeItsEnd() {
        let limits = Limits(maxLineBytes: 25)
        let longest = "PING " + repeated(20)
        for (rest, codes) in [
            ("", [nil, nil]), ("\rx", [.tooLong, nil]), ("\r", [.tooLong, nil]), ("x", [.tooLong, nil]),
        ]
            as [(String, [WireError.Code?])]
        {
            #expect(Conversation.steps(of: longest + rest + "\r\nQUIT\n", limits: limits).map(\.code) == codes)
        }
        #expect(Conversation.steps(of: longest + "\nQUIT\n", limits: limits).map(\.code) == [nil, nil])
    }

    @Test func anOverlongLineKeepsItsTag() throws {
        guard case .refused(let found, let error) = Conversation.steps(of: "#a SEND jobs " + repeated(9000)).first
        else {
            Issue.record("not refused")
            return
        }
        #expect(found == (try tag("a")))
        #expect(error.code == .tooLong)
    }

    @Test func anOverlongTagIsNoTag() {
        guard case .refused(let found, let error) = Conversation.steps(of: "#" + repeated(9000)).first else {
            Issue.record("not refused")
            return
        }
        #expect(found == nil)
        #expect(error.code == .tooLong)
    }

    @Test func aTagThatTheCutDividesIsNotTaken() {
        let line = "#" + repeated(30) + " PING\nPING\n"
        let steps = Conversation.steps(of: line, limits: Limits(maxLineBytes: 20))
        #expect(steps.first == .refused(nil, WireError(.tooLong, "a line has at most 20 bytes")))
        #expect(steps.last?.command == .ping([]))
    }

    @Test func anEndlessLineIsRefusedBeforeItsEndAndTakesNoMemory() {
        var conversation = Conversation()
        for _ in 0..<100 {
            conversation.receive(Array(repeating: 0x41, count: 10_000))
            #expect(conversation.pendingBytes == 0)
            #expect(conversation.bufferedBytes == 0)
        }
        #expect(conversation.steps.map(\.code) == [.tooLong])
        #expect(!conversation.isBetweenRequests)
        conversation.receive(Array("\nPING\n".utf8))
        #expect(conversation.steps.last?.command == .ping([]))
        #expect(conversation.isBetweenRequests)
    }

    @Test func theLongestNameFits() throws {
        let name = repeated(200)
        #expect(
            Conversation.steps(of: "RECV \(name)\n").map(\.command)
                == [.receive(ReceiveCommand(channel: try channel(name)))])
        #expect(Conversation.steps(of: "RECV \(name)x\n").map(\.code) == [.badName])
        #expect(ChannelName(name + "x") == nil)
    }

    @Test func theLongestTagFits() throws {
        let text = repeated(32)
        #expect(
            Conversation.steps(of: "#\(text) QUIT\n") == [.request(Request(tag: try tag(text), command: .quit))])
        #expect(Conversation.steps(of: "#\(text)x QUIT\n").map(\.code) == [.badName])
        #expect(Conversation.steps(of: "CANCEL #\(text)x\n").map(\.code) == [.badName])
        #expect(Tag(text + "x") == nil)
    }

    @Test func theLongestMessageIDFits() throws {
        let id = repeated(64)
        let expected = SendCommand(
            channel: try channel("a"), body: Body("b"), identity: SendIdentity(try message(id)))
        #expect(Conversation.steps(of: "SEND id=\(id) a b\n").map(\.command) == [.send(expected)])
        expectRefusal("SEND id=\(id)x a b", "bad-name")
        expectRefusal("SELECT send id=\(id)x a b", "bad-name")
        #expect(MessageID(id + "x") == nil)
        #expect(MessageID("") == nil)
    }

    @Test(arguments: [(1024, Limits()), (7, Limits(maxWindow: 7))])
    func theWidestWindowFits(_ most: Int, _ limits: Limits) throws {
        let line = "#a RECV lease=1s count=* window="
        let expected = ReceiveCommand(
            channel: try channel("a"), lease: .seconds(1), count: .endless, window: most)
        #expect(Conversation.steps(of: line + "\(most) a\n", limits: limits).map(\.command) == [.receive(expected)])
        expectRefusal(line + "\(most + 1) a", "limit", limits: limits)
        expectRefusal(line + "\(Int.max) a", "limit", limits: limits)
    }

    @Test(arguments: [(65_536, Limits()), (7, Limits(maxCapacity: 7)), (0, Limits(maxCapacity: 0))])
    func theGreatestCapacityFits(_ most: Int, _ limits: Limits) throws {
        let expected = OpenCommand(try channel("a"), .queue(capacity: most, overflow: .block))
        #expect(Conversation.steps(of: "OPEN cap=\(most) a\n", limits: limits).map(\.command) == [.open(expected)])
        expectRefusal("OPEN cap=\(most + 1) a", "limit", limits: limits)
        expectRefusal("OPEN kind=queue cap=\(most + 1) a", "limit", limits: limits)
    }

    @Test func theLongestBodyFits() throws {
        let body = Body(repeating: 0x0A, count: 1 << 20)
        let bytes = Body("SEND len=1048576 jobs\n") + body + Body("\nQUIT\n")
        let steps = Conversation.steps(of: bytes)
        #expect(steps.first?.command == .send(SendCommand(channel: try channel("jobs"), body: body)))
        #expect(steps.last?.command == .quit)
    }

    @Test func aBiggerBodyIsRefusedAndDiscardedExactly() throws {
        let body = Body(repeating: 0x0A, count: (1 << 20) + 1)
        let steps = Conversation.steps(of: Body("#a SEND len=1048577 jobs\n") + body + Body("\nQUIT\n"))
        #expect(steps.map(\.code) == [.tooBig, nil])
        #expect(steps.last?.command == .quit)
    }

    @Test func aTextIsABodyToo() {
        let limits = Limits(maxBodyBytes: 4)
        #expect(
            Conversation.steps(of: "SEND a four\nSEND a fives\nPING fives\n", limits: limits).map(\.code) == [
                nil, .tooBig, .tooBig,
            ])
    }

    @Test func theBodiesOfASelectShareTheLimit() {
        let limits = Limits(maxBodyBytes: 8)
        let good = "SELECT send len=4 a | send len=4 b\n1234\n5678\nQUIT\n"
        #expect(Conversation.steps(of: good, limits: limits).map(\.code) == [nil, nil])
        let three = "SELECT send len=4 a | send len=1 b | send len=4 c\n1234\n5\nQUIT\nQUIT\n"
        #expect(Conversation.steps(of: three, limits: limits).map(\.code) == [.tooBig, nil])
        let bad = "SELECT send len=4 a | send len=5 b\nQUIT\nQUIT\n\nQUIT\n"
        let steps = Conversation.steps(of: bad, limits: limits)
        #expect(steps.map(\.code) == [.tooBig, nil])
        #expect(Conversation.steps(of: "SELECT send a 12345 | send b 6789\n", limits: limits).map(\.code) == [.tooBig])
    }

    @Test func theMostArmsFit() {
        let arms = Array(repeating: "recv a", count: 64).joined(separator: " | ")
        #expect(Conversation.steps(of: "SELECT \(arms)\n").map(\.code) == [nil])
        #expect(Conversation.steps(of: "SELECT \(arms) | recv a\nQUIT\n").map(\.code) == [.limit, nil])
        #expect(Conversation.steps(of: "SELECT \(arms) | else\nQUIT\n").map(\.code) == [.limit, nil])
        #expect(Conversation.steps(of: "SELECT \(arms.dropLast(6))else\n").map(\.code) == [nil])
    }

    @Test func theBodiesBehindTooManyArmsAreDiscarded() {
        let arms = Array(repeating: "send len=5 a", count: 65).joined(separator: " | ")
        let bodies = String(repeating: "QUIT\n\n", count: 65)
        #expect(Conversation.steps(of: "SELECT \(arms)\n\(bodies)PING\n").map(\.command) == [nil, .ping([])])
    }

    @Test func discardsHaveALimit() {
        let limits = Limits(maxBodyBytes: 4, maxDiscardBytes: 10)
        #expect(
            Conversation.steps(of: "SEND len=10 a\n0123456789\nPING\n", limits: limits).map(\.code) == [.tooBig, nil])
        #expect(Conversation.steps(of: "SEND len=11 a\n0123456789\nPING\n", limits: limits).map(\.code) == [.framing])
        let select = "SELECT send len=5 a | send len=6 b\n"
        #expect(Conversation.steps(of: select, limits: limits).map(\.code) == [.framing])
        let huge = "SELECT send len=9223372036854775807 a | send len=9223372036854775807 b\n"
        #expect(Conversation.steps(of: huge).map(\.code) == [.framing])
    }

    @Test func memoryFollowsTheBytesThatCameAndNotTheLengthAnnounced() {
        var conversation = Conversation()
        conversation.receive(Array("SEND len=1048576 jobs\n".utf8))
        #expect(conversation.bufferedBytes == 0)
        for received in 1...2000 {
            conversation.receive([0x41])
            #expect(conversation.bufferedBytes <= max(64, 3 * received))
            #expect(conversation.pendingBytes == 0)
        }
    }

    @Test func discardedBodiesTakeNoMemory() {
        var conversation = Conversation()
        let piece = Body(repeating: 0x0A, count: 100_000)
        conversation.receive(Array("SEND len=3000000 jobs\n".utf8))
        for _ in 0..<30 {
            conversation.receive(piece)
            #expect(conversation.bufferedBytes == 0)
            #expect(conversation.pendingBytes == 0)
        }
        conversation.receive(Array("\nPING\n".utf8))
        #expect(conversation.steps.map(\.code) == [.tooBig, nil])
    }

    @Test func helloTellsTheLimits() {
        let expected = ["max-line=8192", "max-body=1048576", "max-arms=64", "max-tags=1024"]
        #expect(Limits().attributes.map { "\($0.key)=\($0.value)" } == expected)
    }
}
