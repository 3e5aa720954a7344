import Testing

@testable import SluiceWeb

/// The frames of WebSockets, with the cases of the Autobahn test suite that concern this server.
@Suite struct WebSocketFramesTests {
    private static let limit = 70_000

    enum Code: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10
    }

    /// A frame as a client sends it.
    static func frame(
        _ code: UInt8, _ payload: [UInt8], isFinal: Bool = true, reserved: UInt8 = 0, isMasked: Bool = true
    ) -> [UInt8] {
        let mask: [UInt8] = [0x12, 0x34, 0x56, 0x78]
        var bytes = [(isFinal ? 0x80 : 0) | reserved << 4 | code]
        let maskBit: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case ..<126: bytes.append(maskBit | UInt8(payload.count))
        case ..<65_536: bytes += [maskBit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default:
            bytes.append(maskBit | 127)
            bytes += (0..<8).reversed().map { UInt8(truncatingIfNeeded: payload.count >> (8 * $0)) }
        }
        guard isMasked else { return bytes + payload }
        return bytes + mask + payload.enumerated().map { $0.element ^ mask[$0.offset % 4] }
    }

    private func frame(_ code: Code, _ text: String, isFinal: Bool = true) -> [UInt8] {
        Self.frame(code.rawValue, Array(text.utf8), isFinal: isFinal)
    }

    /// The messages, and what is sent back.
    private func result(
        of bytes: [UInt8], inPiecesOf size: Int = .max
    ) -> (messages: [String], output: [UInt8], hasEnded: Bool) {
        let frames = WebSocketFrames(atMost: Self.limit)
        var messages: [String] = []
        var output: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            rest = rest.dropFirst(piece.count)
            messages += piece.withUnsafeBytes { frames.receive($0) }.map { String(decoding: $0, as: UTF8.self) }
            output += frames.takeOutput()
        }
        return (messages, output, frames.hasInputEnded)
    }

    private func close(_ code: Int) -> [UInt8] { [0x88, 2, UInt8(code >> 8), UInt8(code & 255)] }

    @Test("Messages of every length and in every number of frames arrive, however the input is cut")
    func messages() {
        let lengths = [0, 1, 125, 126, 127, 128, 65_535, 65_536, Self.limit]
        let texts = lengths.map { String(repeating: "x", count: $0) }
        let whole = texts.flatMap { frame(.text, $0) + frame(.binary, $0) }
        for size in [1000, 65_536, Int.max] {
            let result = result(of: whole, inPiecesOf: size)
            #expect(result.messages == texts.flatMap { [$0, $0] } && result.output.isEmpty && !result.hasEnded)
        }
        let cut =
            frame(.text, "a", isFinal: false) + frame(.continuation, "", isFinal: false) + frame(.ping, "?")
            + frame(.continuation, "bc", isFinal: false) + frame(.pong, "") + frame(.continuation, "d")
            + frame(.binary, "", isFinal: false) + frame(.continuation, "")
        for size in 1...cut.count {
            let result = result(of: cut, inPiecesOf: size)
            #expect(result.messages == ["abcd", ""] && result.output == [0x8A, 1, 0x3F] && !result.hasEnded)
        }
    }

    @Test("A mistake in the frames ends the WebSocket with the code for it, and no message follows")
    func mistakes() {
        let cases: [(String, [UInt8], Int)] = [
            ("not masked", Self.frame(1, [0x61], isMasked: false), 1002),
            ("a reserved bit", Self.frame(1, [0x61], reserved: 4), 1002),
            ("a reserved opcode", Self.frame(3, []), 1002),
            ("a reserved control opcode", Self.frame(11, []), 1002),
            ("a long ping", Self.frame(9, [UInt8](repeating: 0, count: 126)), 1002),
            ("a ping in pieces", Self.frame(9, [], isFinal: false), 1002),
            ("a continuation of nothing", frame(.continuation, "a"), 1002),
            ("a message in a message", frame(.text, "a", isFinal: false) + frame(.text, "b"), 1002),
            ("text that is not UTF-8", Self.frame(1, [0xFF]), 1007),
            ("half a character", Self.frame(1, [0xC3]), 1007),
            ("a longer length than necessary", [0x82, 0xFE, 0, 1, 1, 2, 3, 4, 5], 1002),
            ("a negative length", [0x82, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1002),
            ("a close with an unknown code", Self.frame(8, [3, 236]), 1002),
            ("a long message", Self.frame(2, [UInt8](repeating: 0, count: Self.limit + 1)), 1009),
            (
                "a long message in frames",
                (0..<80).flatMap { Self.frame($0 == 0 ? 2 : 0, [UInt8](repeating: 0, count: 1000), isFinal: false) },
                1009
            ),
            ("a long message that is only announced", [0x82, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1009),
        ]
        for (name, bytes, code) in cases {
            for size in [1, 1000, Int.max] {
                let result = result(of: bytes + frame(.text, "more"), inPiecesOf: size)
                #expect(result.messages.isEmpty && result.hasEnded, "\(name)")
                #expect(result.output.prefix(4) == close(code)[...], "\(name): \(result.output)")
            }
        }
    }

    @Test("A text message with line ends ends the WebSocket, and a binary one does not")
    func lineEnds() {
        for text in ["send jobs x\npoison jobs", "a\r", "\n"] {
            for bytes in [frame(.text, text), frame(.text, text, isFinal: false) + frame(.continuation, "")] {
                let result = result(of: bytes + frame(.text, "more"))
                #expect(result.messages.isEmpty && result.hasEnded && result.output[2...3] == close(1008)[2...3])
            }
            let binary = result(of: frame(.binary, text))
            #expect(binary.messages == [text] && !binary.hasEnded)
        }
    }

    @Test("The reason of a closing frame is UTF-8")
    func reason() {
        // wslay checks a reason only if it arrives together with the code.
        let result = result(of: Self.frame(8, [3, 232, 0xFF]) + frame(.text, "more"))
        #expect(result.messages.isEmpty && result.hasEnded && result.output.prefix(4) == close(1007)[...])
    }

    @Test("A closing frame is answered, and nothing behind it is read")
    func closing() {
        let bytes = frame(.text, "a") + Self.frame(8, [3, 232]) + frame(.text, "b")
        let result = result(of: bytes)
        #expect(result.messages == ["a"] && result.output == close(1000) && result.hasEnded)
    }

    @Test("Frames of the server are not masked, and have the shortest header")
    func sending() {
        let frames = WebSocketFrames(atMost: Self.limit)
        frames.send(text: Array("OK".utf8))
        frames.send(binary: [])
        #expect(frames.takeOutput() == [0x81, 2, 0x4F, 0x4B, 0x82, 0])
        frames.ping()
        #expect(frames.takeOutput() == [0x89, 0])
        frames.send(binary: [UInt8](repeating: 7, count: 126))
        #expect(frames.takeOutput().prefix(5) == [0x82, 126, 0, 126, 7])
        frames.close(.goingAway)
        #expect(frames.takeOutput() == close(1001))
    }

    @Test("No memory is used for the announced bytes of a frame before they arrive")
    func memory() {
        let frames = WebSocketFrames(atMost: Self.limit)
        _ = Array(Self.frame(2, [UInt8](repeating: 0, count: 60_000)).prefix(100)).withUnsafeBytes {
            frames.receive($0)
        }
        #expect(frames.heldBytes < WebSocketFrames.ownBytes + 100)
    }
}
