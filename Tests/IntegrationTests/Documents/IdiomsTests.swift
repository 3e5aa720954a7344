import Foundation
import TestSupport
import Testing

/// Checks `docs/idioms.md`: replays its conversations, compares its Swift with an example whose output is compared by
/// `make examples`, and finds everything that its tables show in one of the two.
@Suite(.serialized, .bounded) struct IdiomsTests {
    private static let example = "docs/examples/Sources/Examples/InProcess/Idioms.swift"
    private let document = Document.idioms

    @Test("The daemon answers as the transcripts show", arguments: Document.idioms.transcripts)
    func transcriptsReplay(transcript: Transcript) throws {
        let daemon = try Daemon()
        try TranscriptPlayer(daemon, .lineFeeds).play(transcript)
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("The Swift on the page is in the example") func swiftIsInTheExample() {
        let source = withoutIndentation(Document.text(at: Self.example))
        #expect(blocks.count > 10)
        for block in blocks {
            let isThere = source.contains(withoutIndentation(block))
            #expect(isThere, "\(Self.example) does not have\n\(block)")
        }
    }

    /// A cell of a table that shows how to write something with Sluice.
    private struct Cell {
        let text: String
        /// Nil if the cell says in words that nothing corresponds.
        var code: String? { text.wholeMatch(of: #/`(.+)`/#).map { String($0.1) } }
        var isDash: Bool { text.hasPrefix("–") }
    }

    @Test("The tables show only compiled Swift and replayed lines") func tablesShowTestedCode() throws {
        let swift = blocks.joined(separator: "\n")
        let sent = Set(document.transcripts.flatMap(\.sentLines))
        let rows = document.text.components(separatedBy: "\n").filter { $0.hasPrefix("| [") }.map { line in
            line.replacing(#"\|"#, with: "\u{0}").split(separator: "|").map {
                Cell(text: $0.replacing("\u{0}", with: "|").trimmingCharacters(in: .whitespaces))
            }
        }
        #expect(rows.count > 100)
        for row in rows {
            try #require(row.count == 3, "\(row)")
            #expect(row[1].isDash || row[1].code.map(swift.contains) == true, "\(row[1].text)")
            #expect(row[2].isDash || row[2].code.map(sent.contains) == true, "\(row[2].text)")
        }
    }

    private var blocks: [String] {
        document.text.matches(of: #/```swift\n((?s:.*?))```/#).map { String($0.1) }
    }

    private func withoutIndentation(_ text: String) -> String {
        text.components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "\n")
    }
}
