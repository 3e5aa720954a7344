import SeededRandom
import SluiceWire
import Testing

/// How the bytes are cut, and which line ends they have, makes no difference.
@Suite struct FramingTests {
    /// Conversations with everything in them, in LF.
    static let conversations = [
        "HELLO\nPING\nPING hi\nHELP\nHELP SEND\nCANCEL #a\nQUIT\n",
        "\n\nSEND jobs hello\n#a SEND timeout=1s jobs\n\nRECV jobs\nRECV eof=wait timeout=0 jobs\n",
        "SEND len=5 jobs\nhello\n#b SEND len=0 jobs\n\nSEND len=3 jobs\na\nb\nPING\n",
        "SELECT recv a | send len=2 b | send c text | send len=3 d | else\nhi\nyou\nPING\n",
        "FROB\nSEND len=5 -x\nQUIT\n\nRECV\nSEND len=4 jobs text\nQUIT\n#! PING\nPING\n",
        "SELECT send len=5 a | frob\nQUIT\n\nSELECT send len=2 a | recv b | send len=1 -\nab\nc\nPING\n",
        "#a SEND timeout=1s id=m.1 epoch=7 until=taken need=2 eof=wait len=4 jobs\na\nb\n\nSEND id=x jobs hi\n",
        "#b RECV timeout=5s lease=30s count=10 window=4 eof=wait jobs\n#c RECV count=* jobs\nRECV lease=1ms jobs\n",
        "BARRIER parties=3 timeout=1s eof=wait gate\nACK 1.2\nNACK delay=5s 1.2\nNACK 1.2\nTOUCH 4294967295.0\n",
        "OPEN cap=10 overflow=drop-oldest jobs\nOPEN kind=once a\nOPEN b\nCLOSE jobs\nPOISON jobs\nPOISON a it broke\n",
        "JOIN end=send on-death=poison jobs\nJOIN end=recv a\nLEAVE end=send jobs\nAUTH me s3cr=t!\nNAME worker-1\n",
        "INFO\nINFO format=json\nCHANNELS\nCHANNELS a/\nWAITERS\nWAITERS format=text a\nCLIENTS\nSTUCK\nPING\n",
        "#d TRACE\n#e TRACE format=json a/\nCANCEL #d\nTRACE\nRECV count=1 a\nHELP\nHELP JOIN\nHELLO\nQUIT\n",
        "SELECT recv lease=1s a | send id=x len=2 b | barrier parties=2 c | send id=y d e | barrier f | else\nhi\nPING\n",
        "OPEN len=5 jobs\nQUIT\n\nPOISON len=5 a b\nQUIT\n\nSELECT barrier len=5 a\nQUIT\n\nINFO len=5\nQUIT\n\nPING\n",
        "TRACE / HTTP/1.1\nHost: x\n\nQUIT\n", "POISON / HTTP/1.1\nQUIT\n",
        "SEND len=3 jobs\nhello\nPING\n", "SEND len=x jobs\nhello\nPING\n", "GET / HTTP/1.1\nHost: x\n\nQUIT\n",
        "SSH-2.0-x\nQUIT\n", "\u{16}\u{3}\u{1}\nQUIT\n", "\u{16}\u{16}\nQUIT\n", "SS\nQUIT\n",
    ]

    @Test func theConversationsHaveEveryVerb() {
        let commands = Self.conversations.flatMap { Conversation.steps(of: $0).compactMap(\.command) }
        #expect(Set(commands.map(\.verb)) == Set(Verb.allCases))
    }

    @Test(arguments: conversations + conversations.map(\.replacingLineEnds))
    func cutInTwoAnywhere(_ text: String) {
        let bytes = Array(text.utf8)
        let whole = Conversation.steps(of: bytes)
        for cut in 0...bytes.count {
            var conversation = Conversation()
            conversation.receive(bytes[..<cut])
            conversation.receive(bytes[cut...])
            #expect(conversation.steps == whole, "cut at \(cut)")
        }
    }

    @Test(arguments: conversations, [1, 2, 3, 7])
    func cutInSmallPieces(_ text: String, _ piece: Int) {
        #expect(Conversation.steps(of: text, piece: piece) == Conversation.steps(of: text))
        let carriage = text.replacingLineEnds
        #expect(Conversation.steps(of: carriage, piece: piece) == Conversation.steps(of: carriage))
    }

    @Test(arguments: [
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
        #expect(Conversation.steps(of: text.replacingLineEnds) == Conversation.steps(of: text))
    }

    @Test(arguments: [18, 25, 26, 27, 28, 29, 40], ["\n", "\r\n", "\r\r\n", "\rx\n"])
    func overlongLinesCutAnywhere(_ length: Int, _ end: String) {
        let limits = Limits(maxLineBytes: 27)
        for beginning in ["PING ", "#a SEND jobs ", "SEND len=5 a ", "SELECT ", "AAAAA", "SEND timeout="] {
            let padding = String(repeating: "x", count: max(0, length - beginning.utf8.count))
            let text = "PING\n" + beginning + padding + end + "PING\n\nPING\nPING\n"
            let whole = Conversation.steps(of: text, limits: limits)
            for piece in [1, 2, 3, 5, 26, 27, 28, 29, 30] {
                #expect(Conversation.steps(of: text, piece: piece, limits: limits) == whole)
            }
        }
    }

    @Test func aRequestIsReportedWithItsLastByte() {
        var conversation = Conversation()
        conversation.receive(Array("SEND len=5 jobs\nhello".utf8))
        #expect(conversation.steps.isEmpty)
        #expect(!conversation.isBetweenRequests)
        conversation.receive(Array("\n".utf8))
        #expect(conversation.steps.count == 1)
        #expect(conversation.isBetweenRequests)
    }

    @Test func aRefusalDoesNotWaitForItsBody() {
        var conversation = Conversation()
        conversation.receive(Array("SEND len=5 -x\n".utf8))
        #expect(conversation.steps.map(\.code) == [.badName])
        #expect(!conversation.isBetweenRequests)
        conversation.receive(Array("QUIT\n\nPING\n".utf8))
        #expect(conversation.steps.map(\.command) == [nil, .ping([])])
        #expect(conversation.isBetweenRequests)
    }

    @Test func aPartialLineIsNotBetweenRequests() {
        var conversation = Conversation()
        #expect(conversation.isBetweenRequests)
        conversation.receive(Array("PIN".utf8))
        #expect(!conversation.isBetweenRequests)
        conversation.receive(Array("G\n\n".utf8))
        #expect(conversation.isBetweenRequests)
    }

    @Test func callsWithoutInputAskForMore() {
        var parser = RequestParser(limits: Limits())
        var offset = 0
        #expect(parser.next(UnsafeRawBufferPointer(start: nil, count: 0), offset: &offset) == .needsMore)
        #expect(offset == 0)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func randomBytesKeepTheInvariants(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let limits = Limits(maxLineBytes: 64, maxBodyBytes: 128, maxDiscardBytes: 512, maxSelectArms: 4)
        let bytes = Self.nonsense(using: &generator)
        var conversation = Conversation(limits: limits)
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Int.random(in: 1...40, using: &generator)
            conversation.receive(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            #expect(conversation.bufferedBytes <= 2 * limits.maxBodyBytes)
        }
        #expect(conversation.steps == Conversation.steps(of: bytes, limits: limits))
        #expect(conversation.steps.dropLast().allSatisfy { $0.code?.isFatal != true })
    }

    /// Pieces of the grammar, and bytes of any kind, in any order.
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
    /// The text with CRLF for every LF.
    fileprivate var replacingLineEnds: String {
        String(decoding: utf8.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }, as: UTF8.self)
    }
}
