import SeededRandom
import SluiceWire
import Testing

/// The result does not depend on how the input is cut into pieces, or on its line ends.
@Suite struct FramingTests {
    /// Input with every element of the grammar, with LF as line ends.
    static let samples = [
        "HELLO\nPING\nPING hi\nHELP\nHELP SEND\nCANCEL #a\nQUIT\n",
        "\n\nSEND jobs hello\n#a SEND timeout=1s jobs\n\nRECV jobs\nRECV eof=wait timeout=0 jobs\n",
        "SEND len=5 jobs\nhello\n#b SEND len=0 jobs\n\nSEND len=3 jobs\na\nb\nPING\n",
        "SELECT recv a | send len=2 b | send c text | send len=3 d | else\nhi\nyou\nPING\n",
        "FROB\nSEND len=5 -x\nQUIT\n\nRECV\nSEND len=4 jobs text\nQUIT\n#! PING\nPING\n",
        "SELECT send len=5 a | frob\nQUIT\n\nSELECT send len=2 a | recv b | send len=1 -\nab\nc\nPING\n",
        "#a SEND timeout=1s id=m.1 epoch=7 until=taken need=2 delay=1s eof=wait len=4 jobs\na\nb\n\nSEND id=x jobs hi\n",
        "#b RECV timeout=5s lease=30s count=10 window=4 eof=wait jobs\n#c RECV count=* jobs\nRECV lease=1ms jobs\n",
        "CALL jobs 7\n#f CALL timeout=1s id=x len=3 jobs\na\nb\nACK 1.2 49\nACK len=3 1.2\nx\ny\nACK len=0 1.2\n\nPING\n",
        "BARRIER parties=3 timeout=1s eof=wait gate\nACK 1.2\nNACK delay=5s 1.2\nNACK 1.2\nREJECT 1.2\nREJECT 1.2 a b\nTOUCH 4294967295.0\n",
        "OPEN cap=10 overflow=drop-oldest jobs\nOPEN kind=once a\nOPEN max-attempts=3 dead=d retry=1s b\nREDRIVE count=2 d\nCLOSE jobs\nPOISON jobs\nPOISON a it broke\n",
        "JOIN end=send on-death=poison jobs\nJOIN end=recv a\nLEAVE end=send jobs\nAUTH me s3cr=t!\nNAME worker-1\n",
        "INFO\nINFO format=json\nCHANNELS\nCHANNELS a/\nWAITERS\nWAITERS format=text a\nCLIENTS\nSTUCK\n",
        "KILL client=[::1]:5 go away\n#g KILL principal=me\nPING\n",
        "#d TRACE\n#e TRACE format=json a/\nCANCEL #d\nTRACE\nRECV count=1 a\nHELP\nHELP JOIN\nHELLO\nQUIT\n",
        "SELECT recv lease=1s a | send id=x len=2 b | barrier parties=2 c | send id=y d e | barrier f | else\nhi\nPING\n",
        "OPEN len=5 jobs\nQUIT\n\nPOISON len=5 a b\nQUIT\n\nSELECT barrier len=5 a\nQUIT\n\nINFO len=5\nQUIT\n\nPING\n",
        "TRACE / HTTP/1.1\nHost: x\n\nQUIT\n", "POISON / HTTP/1.1\nQUIT\n",
        "SEND len=3 jobs\nhello\nPING\n", "SEND len=x jobs\nhello\nPING\n", "GET / HTTP/1.1\nHost: x\n\nQUIT\n",
        "SSH-2.0-x\nQUIT\n", "\u{16}\u{3}\u{1}\nQUIT\n", "\u{16}\u{16}\nQUIT\n", "SS\nQUIT\n",
    ]

    @Test("The sample input contains every verb")
    func theSamplesHaveEveryVerb() {
        let commands = Self.samples.flatMap { RequestFeed.steps(of: $0).compactMap(\.command) }
        #expect(Set(commands.map(\.verb)) == Set(Verb.allCases))
    }

    @Test("Input cut in two at any byte is parsed the same", arguments: samples + samples.map(\.replacingLineEnds))
    func cutInTwoAnywhere(_ text: String) {
        let bytes = Array(text.utf8)
        let whole = RequestFeed.steps(of: bytes)
        for cut in 0...bytes.count {
            let feed = RequestFeed()
            feed.receive(bytes[..<cut])
            feed.receive(bytes[cut...])
            #expect(feed.steps == whole, "cut at \(cut)")
        }
    }

    @Test("Input in small pieces is parsed the same", arguments: samples, [1, 2, 3, 7])
    func cutInSmallPieces(_ text: String, _ piece: Int) {
        #expect(RequestFeed.steps(of: text, piece: piece) == RequestFeed.steps(of: text))
        let carriage = text.replacingLineEnds
        #expect(RequestFeed.steps(of: carriage, piece: piece) == RequestFeed.steps(of: carriage))
    }

    @Test(
        "LF and CR LF are parsed the same",
        arguments: [
            "HELLO\nPING\nPING hi\nHELP\nHELP SEND\nCANCEL #a\nQUIT\n",
            "SEND jobs hello\n#a SEND jobs\nRECV jobs\nRECV timeout=0 jobs\n",
            "SEND len=5 jobs\nhello\nSEND len=0 jobs\n\nPING\n", "FROB\nSEND len=5 -x\nhello\nRECV\n#! PING\nPING\n",
            "OPEN cap=1 a\nPOISON a why\nJOIN end=send a\nLEAVE end=send a\nCLOSE a\nBARRIER parties=1 a\nAUTH a b\nNAME a\n",
            "ACK 1.1\nNACK 1.1\nTOUCH 1.1\nINFO\nCHANNELS\nWAITERS\nCLIENTS\nSTUCK\n#a TRACE\n#a RECV count=1 a\n",
            "SELECT recv lease=1s a | send id=x len=2 b | barrier c\nhi\nPING\n", "OPEN len=2 a\nhi\nPING\n",
            "SELECT recv a | send len=2 b | send c text | else\nhi\nPING\n", "GET / HTTP/1.1\nHost: x\n\nQUIT\n",
            "SEND len=3 a\nhello\n",
        ])
    func lineEndsAreAlike(_ text: String) {
        #expect(RequestFeed.steps(of: text.replacingLineEnds) == RequestFeed.steps(of: text))
    }

    @Test(
        "Overlong lines in small pieces are parsed the same", arguments: [18, 25, 26, 27, 28, 29, 40],
        ["\n", "\r\n", "\r\r\n", "\rx\n"])
    func overlongLinesCutAnywhere(_ length: Int, _ end: String) {
        let limits = Limits(maxLineBytes: 27)
        for beginning in ["PING ", "#a SEND jobs ", "SEND len=5 a ", "SELECT ", "AAAAA", "SEND timeout="] {
            let padding = String(repeating: "x", count: max(0, length - beginning.utf8.count))
            let text = "PING\n" + beginning + padding + end + "PING\n\nPING\nPING\n"
            let whole = RequestFeed.steps(of: text, limits: limits)
            for piece in [1, 2, 3, 5, 26, 27, 28, 29, 30] {
                #expect(RequestFeed.steps(of: text, piece: piece, limits: limits) == whole)
            }
        }
    }

    @Test("A request is complete with the line end after its body")
    func aRequestIsReportedWithItsLastByte() {
        let feed = RequestFeed()
        feed.receive(Array("SEND len=5 jobs\nhello".utf8))
        #expect(feed.steps.isEmpty)
        #expect(!feed.isBetweenRequests)
        feed.receive(Array("\n".utf8))
        #expect(feed.steps.count == 1)
        #expect(feed.isBetweenRequests)
    }

    @Test("A refusal is reported before the body of its line arrives")
    func aRefusalDoesNotWaitForItsBody() {
        let feed = RequestFeed()
        feed.receive(Array("SEND len=5 -x\n".utf8))
        #expect(feed.steps.map(\.code) == [.badName])
        #expect(!feed.isBetweenRequests)
        feed.receive(Array("QUIT\n\nPING\n".utf8))
        #expect(feed.steps.map(\.command) == [nil, .ping([])])
        #expect(feed.isBetweenRequests)
    }

    @Test("A partial line is part of a request")
    func aPartialLineIsNotBetweenRequests() {
        let feed = RequestFeed()
        #expect(feed.isBetweenRequests)
        feed.receive(Array("PIN".utf8))
        #expect(!feed.isBetweenRequests)
        feed.receive(Array("G\n\n".utf8))
        #expect(feed.isBetweenRequests)
    }

    @Test("Empty input needs more")
    func callsWithoutInputAskForMore() {
        var parser = RequestParser(limits: Limits())
        var offset = 0
        #expect(parser.next(UnsafeRawBufferPointer(start: nil, count: 0), offset: &offset) == .needsMore)
        #expect(offset == 0)
    }

    @Test("Random input is parsed the same in any pieces, within the limits", arguments: 0..<40 as Range<UInt64>)
    func randomBytesKeepTheInvariants(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let limits = Limits(maxLineBytes: 64, maxBodyBytes: 128, maxDiscardBytes: 512, maxSelectArms: 4)
        let bytes = Self.nonsense(using: &generator)
        let feed = RequestFeed(limits: limits)
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Int.random(in: 1...40, using: &generator)
            feed.receive(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            #expect(feed.bufferedBytes <= 2 * limits.maxBodyBytes)
        }
        #expect(feed.steps == RequestFeed.steps(of: bytes, limits: limits))
        #expect(feed.steps.dropLast().allSatisfy { $0.code?.isFatal != true })
    }

    /// Returns words of the grammar and arbitrary bytes in random order.
    private static func nonsense(using generator: inout SeededGenerator) -> [UInt8] {
        let words = [
            "SEND", "RECV", "SELECT", "PING", "QUIT", "HELP", "CANCEL", "HELLO", "send", "recv", "else", "|", " | ",
            " ", " ", " ", " ", "\n", "\n",
            "\n", "\r\n", "\r", "#a", "#", "len=", "len=5", "len=0", "len=12", "len=200", "timeout=", "1s", "0",
            "eof=wait", "order=first", "OPEN", "cap=", "kind=once", "POISON", "JOIN", "end=send", "BARRIER", "barrier",
            "parties=2", "ACK", "1.1", "TRACE", "INFO", "count=", "lease=", "id=", "AUTH",
            "jobs", "a", "-", "hello", "=", "FROB", "12345678901234567890",
        ]
        var bytes: [UInt8] = []
        for _ in 0..<4000 {
            if Int.random(in: 0..<40, using: &generator) == 0 {
                bytes.append(UInt8.random(in: 0...255, using: &generator))
            } else if let word = words.randomElement(using: &generator) {
                bytes += Array(word.utf8)
            }
        }
        return bytes
    }
}

extension String {
    /// The text with CR LF in place of every LF.
    fileprivate var replacingLineEnds: String {
        String(decoding: utf8.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }, as: UTF8.self)
    }

    @Test(
        "A line that repeats the one before gives the same step",
        arguments: [
            "PING\n", "ping\r\n", "RECV jobs\n", "RECV timeout=1s jobs\n", "SEND jobs hello\n", "SEND jobs \n",
            "SEND jobs\n",
            "SEND jobs hello\r\n", "SEND timeout=1s jobs a b\n", "#a SEND jobs x\n", "#a RECV jobs\n", "SEND  jobs x\n",
            "SEND jobsx y\n", "RECV job\n", "SEND len=2 jobs\nhi\n", "#b SEND jobs x\r\n", "#b RECV jobs\r\n",
            "#a PING\n", "#\u{20}SEND jobs x\n", "#a+ SEND jobs x\n", "#aSEND jobs x\n", "#a  PING\n", "RECV jobs\rx\n",
            "#0123456789abcdef0123456789abcdef SEND jobs x\n", "#0123456789abcdef0123456789abcdefg SEND jobs x\n",
        ])
    func repeatedLinesGiveTheSameStep(line: String) {
        let expected = RequestFeed.steps(of: "PING x\n" + line).last
        for before in [
            "RECV jobs\n", "SEND jobs hello\n", "PING\n", "SEND jobs \n", "#a SEND jobs hello\n", "#b RECV jobs\n",
            "#c PING\r\n",
        ] {
            for piece in [1, 3, .max] {
                let steps = RequestFeed.steps(of: String(repeating: before, count: 6) + line + line, piece: piece)
                #expect(steps.count == 8)
                #expect(steps.suffix(2).allSatisfy { $0 == expected }, "after \(before)")
            }
        }
    }
}
