import SluiceWire
import Testing

@Suite struct LimitTests {
    private func repeated(_ count: Int, _ text: String = "x") -> String { String(repeating: text, count: count) }

    @Test("A line of the maximum length is accepted", arguments: ["\n", "\r\n"])
    func theLongestLineFits(_ end: String) {
        let steps = RequestFeed.steps(of: "PING " + repeated(8187) + end + "QUIT\n")
        #expect(steps.map(\.command) == [.ping(Body(repeated(8187))), .quit])
    }

    @Test("A longer line is refused once and skipped", arguments: [8188, 8189, 8190, 9000, 100_000], ["\n", "\r\n"])
    func aLongerLineIsRefusedOnceAndDiscarded(_ length: Int, _ end: String) {
        let steps = RequestFeed.steps(of: "PING " + repeated(length) + end + "QUIT\n")
        #expect(steps.map(\.code) == [.tooLong, nil])
        #expect(steps.last?.command == .quit)
    }

    @Test("A carriage return counts towards the length unless it ends the line")
    func aCarriageReturnIsNoPartOfTheLongestLineOnlyBeforeItsEnd() {
        let limits = Limits(maxLineBytes: 25)
        let longest = "PING " + repeated(20)
        for (rest, codes) in [
            ("", [nil, nil]), ("\rx", [.tooLong, nil]), ("\r", [.tooLong, nil]), ("x", [.tooLong, nil]),
        ]
            as [(String, [WireError.Code?])]
        {
            #expect(RequestFeed.steps(of: longest + rest + "\r\nQUIT\n", limits: limits).map(\.code) == codes)
        }
        #expect(RequestFeed.steps(of: longest + "\nQUIT\n", limits: limits).map(\.code) == [nil, nil])
    }

    @Test("The refusal of an overlong line carries its tag")
    func anOverlongLineKeepsItsTag() throws {
        guard case .refused(let found, let error) = RequestFeed.steps(of: "#a SEND jobs " + repeated(9000)).first
        else {
            Issue.record("not refused")
            return
        }
        #expect(found == (try tag("a")))
        #expect(error.code == .tooLong)
    }

    @Test("The refusal of an overlong tag carries no tag")
    func anOverlongTagIsNoTag() {
        guard case .refused(let found, let error) = RequestFeed.steps(of: "#" + repeated(9000)).first else {
            Issue.record("not refused")
            return
        }
        #expect(found == nil)
        #expect(error.code == .tooLong)
    }

    @Test("A tag that the limit cuts is ignored")
    func aTagThatTheCutDividesIsNotTaken() {
        let line = "#" + repeated(30) + " PING\nPING\n"
        let steps = RequestFeed.steps(of: line, limits: Limits(maxLineBytes: 20))
        #expect(steps.first == .refused(nil, WireError(.tooLong, "a line may have at most 20 bytes")))
        #expect(steps.last?.command == .ping([]))
    }

    @Test("An endless line is refused before its end and uses no memory")
    func anEndlessLineIsRefusedBeforeItsEndAndTakesNoMemory() {
        let feed = RequestFeed()
        for _ in 0..<100 {
            feed.receive(Array(repeating: 0x41, count: 10_000))
            #expect(feed.pendingBytes == 0)
            #expect(feed.bufferedBytes == 0)
        }
        #expect(feed.steps.map(\.code) == [.tooLong])
        #expect(!feed.isBetweenRequests)
        feed.receive(Array("\nPING\n".utf8))
        #expect(feed.steps.last?.command == .ping([]))
        #expect(feed.isBetweenRequests)
    }

    @Test("A name may have 200 bytes and no more")
    func theLongestNameFits() throws {
        let name = repeated(200)
        #expect(
            RequestFeed.steps(of: "RECV \(name)\n").map(\.command)
                == [.receive(ReceiveCommand(channel: try channel(name)))])
        #expect(RequestFeed.steps(of: "RECV \(name)x\n").map(\.code) == [.badName])
        #expect(ChannelName(name + "x") == nil)
    }

    @Test("A tag may have 32 bytes and no more")
    func theLongestTagFits() throws {
        let text = repeated(32)
        #expect(
            RequestFeed.steps(of: "#\(text) QUIT\n") == [.request(Request(tag: try tag(text), command: .quit))])
        #expect(RequestFeed.steps(of: "#\(text)x QUIT\n").map(\.code) == [.badName])
        #expect(RequestFeed.steps(of: "CANCEL #\(text)x\n").map(\.code) == [.badName])
        #expect(Tag(text + "x") == nil)
    }

    @Test("A message id may have 64 bytes and no more")
    func theLongestMessageIDFits() throws {
        let id = repeated(64)
        let expected = SendCommand(
            channel: try channel("a"), body: Body("b"), identity: SendIdentity(try message(id)))
        #expect(RequestFeed.steps(of: "SEND id=\(id) a b\n").map(\.command) == [.send(expected)])
        expectRefusal("SEND id=\(id)x a b", "bad-name")
        expectRefusal("SELECT send id=\(id)x a b", "bad-name")
        #expect(MessageID(id + "x") == nil)
        #expect(MessageID("") == nil)
    }

    @Test("A window may have its limit and no more", arguments: [(1024, Limits()), (7, Limits(maxWindow: 7))])
    func theWidestWindowFits(_ most: Int, _ limits: Limits) throws {
        let line = "#a RECV lease=1s count=* window="
        let expected = ReceiveCommand(
            channel: try channel("a"), lease: .seconds(1), count: .endless, window: most)
        #expect(RequestFeed.steps(of: line + "\(most) a\n", limits: limits).map(\.command) == [.receive(expected)])
        expectRefusal(line + "\(most + 1) a", "limit", limits: limits)
        expectRefusal(line + "\(Int.max) a", "limit", limits: limits)
    }

    @Test(
        "A capacity may have its limit and no more",
        arguments: [(65_536, Limits()), (7, Limits(maxCapacity: 7)), (0, Limits(maxCapacity: 0))])
    func theGreatestCapacityFits(_ most: Int, _ limits: Limits) throws {
        let expected = OpenCommand(try channel("a"), .queue(capacity: most, overflow: .block))
        #expect(RequestFeed.steps(of: "OPEN cap=\(most) a\n", limits: limits).map(\.command) == [.open(expected)])
        expectRefusal("OPEN cap=\(most + 1) a", "limit", limits: limits)
        expectRefusal("OPEN kind=queue cap=\(most + 1) a", "limit", limits: limits)
    }

    @Test("A body of the maximum length is accepted")
    func theLongestBodyFits() throws {
        let body = Body(repeating: 0x0A, count: 1 << 20)
        let bytes = Body("SEND len=1048576 jobs\n") + body + Body("\nQUIT\n")
        let steps = RequestFeed.steps(of: bytes)
        #expect(steps.first?.command == .send(SendCommand(channel: try channel("jobs"), body: body)))
        #expect(steps.last?.command == .quit)
    }

    @Test("A longer body is refused and skipped exactly")
    func aBiggerBodyIsRefusedAndDiscardedExactly() throws {
        let body = Body(repeating: 0x0A, count: (1 << 20) + 1)
        let steps = RequestFeed.steps(of: Body("#a SEND len=1048577 jobs\n") + body + Body("\nQUIT\n"))
        #expect(steps.map(\.code) == [.tooBig, nil])
        #expect(steps.last?.command == .quit)
    }

    @Test("A text counts towards the body limit")
    func aTextIsABodyToo() {
        let limits = Limits(maxBodyBytes: 4)
        #expect(
            RequestFeed.steps(of: "SEND a four\nSEND a fives\nPING fives\n", limits: limits).map(\.code) == [
                nil, .tooBig, .tooBig,
            ])
    }

    @Test("The bodies of a select share the body limit")
    func theBodiesOfASelectShareTheLimit() {
        let limits = Limits(maxBodyBytes: 8)
        let good = "SELECT send len=4 a | send len=4 b\n1234\n5678\nQUIT\n"
        #expect(RequestFeed.steps(of: good, limits: limits).map(\.code) == [nil, nil])
        let three = "SELECT send len=4 a | send len=1 b | send len=4 c\n1234\n5\nQUIT\nQUIT\n"
        #expect(RequestFeed.steps(of: three, limits: limits).map(\.code) == [.tooBig, nil])
        let bad = "SELECT send len=4 a | send len=5 b\nQUIT\nQUIT\n\nQUIT\n"
        let steps = RequestFeed.steps(of: bad, limits: limits)
        #expect(steps.map(\.code) == [.tooBig, nil])
        #expect(RequestFeed.steps(of: "SELECT send a 12345 | send b 6789\n", limits: limits).map(\.code) == [.tooBig])
    }

    @Test("A select may have the limit of arms and no more")
    func theMostArmsFit() {
        let arms = Array(repeating: "recv a", count: 64).joined(separator: " | ")
        #expect(RequestFeed.steps(of: "SELECT \(arms)\n").map(\.code) == [nil])
        #expect(RequestFeed.steps(of: "SELECT \(arms) | recv a\nQUIT\n").map(\.code) == [.limit, nil])
        #expect(RequestFeed.steps(of: "SELECT \(arms) | else\nQUIT\n").map(\.code) == [.limit, nil])
        #expect(RequestFeed.steps(of: "SELECT \(arms.dropLast(6))else\n").map(\.code) == [nil])
    }

    @Test("The bodies of a select with too many arms are skipped")
    func theBodiesBehindTooManyArmsAreDiscarded() {
        let arms = Array(repeating: "send len=5 a", count: 65).joined(separator: " | ")
        let bodies = String(repeating: "QUIT\n\n", count: 65)
        #expect(RequestFeed.steps(of: "SELECT \(arms)\n\(bodies)PING\n").map(\.command) == [nil, .ping([])])
    }

    @Test("Bodies beyond the limit for skipping end the connection")
    func discardsHaveALimit() {
        let limits = Limits(maxBodyBytes: 4, maxDiscardBytes: 10)
        #expect(
            RequestFeed.steps(of: "SEND len=10 a\n0123456789\nPING\n", limits: limits).map(\.code) == [.tooBig, nil])
        #expect(RequestFeed.steps(of: "SEND len=11 a\n0123456789\nPING\n", limits: limits).map(\.code) == [.framing])
        let select = "SELECT send len=5 a | send len=6 b\n"
        #expect(RequestFeed.steps(of: select, limits: limits).map(\.code) == [.framing])
        let huge = "SELECT send len=9223372036854775807 a | send len=9223372036854775807 b\n"
        #expect(RequestFeed.steps(of: huge).map(\.code) == [.framing])
    }

    @Test("Memory grows with the bytes that arrive, not with the announced length")
    func memoryFollowsTheBytesThatCameAndNotTheLengthAnnounced() {
        let feed = RequestFeed()
        feed.receive(Array("SEND len=1048576 jobs\n".utf8))
        #expect(feed.bufferedBytes == 0)
        for received in 1...2000 {
            feed.receive([0x41])
            #expect(feed.bufferedBytes <= max(64, 3 * received))
            #expect(feed.pendingBytes == 0)
        }
    }

    @Test("A long body in pieces uses at most a block more than has arrived", arguments: [1000, 16384, 70_001])
    func longBodiesInPieces(piece: Int) {
        let feed = RequestFeed()
        let body = Body((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) })
        feed.receive(Array("PING len=1000000\n".utf8))
        var arrived = 0
        while arrived < body.count - 1 {
            let end = min(arrived + piece, body.count - 1)
            feed.receive(body[arrived..<end])
            arrived = end
            #expect((arrived...arrived + 17_000).contains(feed.bufferedBytes))
        }
        feed.receive([body[arrived]] + Array("\n".utf8))
        #expect(feed.bufferedBytes == 0)
        #expect(feed.steps.map(\.command) == [.ping(body)])
    }

    @Test("Skipped bodies use no memory")
    func discardedBodiesTakeNoMemory() {
        let feed = RequestFeed()
        let piece = Body(repeating: 0x0A, count: 100_000)
        feed.receive(Array("SEND len=3000000 jobs\n".utf8))
        for _ in 0..<30 {
            feed.receive(piece)
            #expect(feed.bufferedBytes == 0)
            #expect(feed.pendingBytes == 0)
        }
        feed.receive(Array("\nPING\n".utf8))
        #expect(feed.steps.map(\.code) == [.tooBig, nil])
    }

    @Test("HELLO reports the limits")
    func helloTellsTheLimits() {
        let expected = ["max-line=8192", "max-body=1048576", "max-arms=64", "max-tags=1024"]
        #expect(Limits().attributes.map { "\($0.key)=\($0.value)" } == expected)
    }
}
