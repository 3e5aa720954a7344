import SluiceWire
import Testing

@Suite struct TerminalTextTests {
    @Test("Controls, marks of direction and invisible characters are escaped")
    func escapes() {
        let escaped = "a\u{0}\u{1B}\u{7F}\u{85}\u{9B}\u{200E}\u{202E}\u{2066}\u{FEFF}\u{E0041}b".escapedForTerminal()
        #expect(escaped == #"a\u0000\u001b\u007f\u0085\u009b\u200e\u202e\u2066\ufeff\udb40\udc41b"#)
    }

    @Test("Every character that a terminal acts on is escaped, and no other one")
    func everyCharacter() {
        let ranges: [ClosedRange<UInt32>] = [
            0...0x1F, 0x7F...0x9F, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF...0xFEFF, 0x2028...0x2029,
        ]
        for value in ranges.joined() {
            guard let scalar = Unicode.Scalar(value) else { continue }
            #expect(!String(scalar).escapedForTerminal().unicodeScalars.contains(scalar))
        }
        for text in ["plain", "grüße", "日本語", "👩\u{200D}🚀", "\\u202e", "\"\\"] {
            #expect(text.escapedForTerminal() == text)
        }
    }

    @Test("Line ends and tabs of a text of several lines stay")
    func breaks() {
        #expect("a\n\tb\r\u{1B}".escapedForTerminal(keepingBreaks: true) == "a\n\tb\\u000d\\u001b")
        #expect("a\nb".escapedForTerminal() == "a\\u000ab")
        #expect(Array("a\n\u{9B}".utf8).escapedForTerminal(keepingBreaks: true) == Array("a\n\\u009b".utf8))
        #expect([UInt8](arrayLiteral: 0xFF, 0x0A).escapedForTerminal(keepingBreaks: true) == Array("\u{FFFD}\n".utf8))
    }
}
