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
        "SEND len=3 jobs\nhello\nPING\n", "SEND len=x jobs\nhello\nPING\n", "GET / HTTP/1.1\nHost: x\n\nQUIT\n",
        "SSH-2.0-x\nQUIT\n", "\u{16}\u{3}\u{1}\nQUIT\n", "\u{16}\u{16}\nQUIT\n", "SS\nQUIT\n",
    ]

    @Test(arguments: conversations)
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
            "eof=wait", "order=first",
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
