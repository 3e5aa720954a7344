import Testing

@testable import sluice

@Suite("Splitting standard input into messages")
struct MessageSplitterTests {
    /// Splits the text, which arrives in pieces of this length, into messages.
    private func messages(
        _ text: String, _ framing: MessageSplitter.Framing, inPiecesOf length: Int, maxBytes: Int = 100
    ) throws -> [String] {
        var splitter = MessageSplitter(framing, maxBytes: maxBytes)
        var messages: [String] = []
        var rest = Array(text.utf8)[...]
        while true {
            if rest.isEmpty { splitter.end() } else { splitter.append(Array(rest.prefix(length))) }
            let isAtEnd = rest.isEmpty
            rest = rest.dropFirst(length)
            while let message = try splitter.next() { messages.append(String(decoding: message, as: UTF8.self)) }
            if isAtEnd { return messages }
        }
    }

    @Test("Lines are split however they arrive", arguments: [1, 2, 3, 100])
    func lines(length: Int) throws {
        #expect(try messages("one\ntwo\n\nthree\n", .lines, inPiecesOf: length) == ["one", "two", "", "three"])
        #expect(try messages("one\r\nlast", .lines, inPiecesOf: length) == ["one\r", "last"])
        #expect(try messages("", .lines, inPiecesOf: length) == [])
        #expect(try messages("\n", .lines, inPiecesOf: length) == [""])
    }

    @Test("Zero bytes end messages", arguments: [1, 2, 100])
    func null(length: Int) throws {
        #expect(try messages("a\nb\0c\0", .null, inPiecesOf: length) == ["a\nb", "c"])
        #expect(try messages("a\0b", .null, inPiecesOf: length) == ["a", "b"])
    }

    @Test("The whole input is one message, even if it is empty", arguments: [1, 2, 100])
    func whole(length: Int) throws {
        #expect(try messages("a\nb\0", .whole, inPiecesOf: length) == ["a\nb\0"])
        #expect(try messages("", .whole, inPiecesOf: length) == [""])
    }

    @Test("A message longer than the limit fails before all of it is kept", arguments: [1, 4, 100])
    func tooLong(length: Int) throws {
        #expect(try messages("1234\n1234", .lines, inPiecesOf: length, maxBytes: 4) == ["1234", "1234"])
        for framing in [MessageSplitter.Framing.lines, .whole] {
            #expect(throws: Failure.self) { try messages("12345", framing, inPiecesOf: length, maxBytes: 4) }
        }
        var splitter = MessageSplitter(.lines, maxBytes: 4)
        splitter.append(Array("12345".utf8))
        #expect(throws: Failure.self) { try splitter.next() }
    }
}
