import Foundation
import Testing

/// A document of the repository, split into its sections.
struct Document: Sendable {
    /// The whole text.
    let text: String
    /// The text with its lines joined by spaces.
    let flowingText: String
    let sections: [Section]

    struct Section: Sendable {
        let heading: String
        let text: String
        let transcripts: [Transcript]

        /// Returns the lines of the first block of that kind.
        func block(_ kind: String) -> [String]? {
            let lines = text.components(separatedBy: "\n")
            guard let start = lines.firstIndex(of: "```" + kind),
                let end = lines[(start + 1)...].firstIndex(of: "```")
            else { return nil }
            return Array(lines[(start + 1)..<end])
        }

        /// The cells of each row of its tables.
        var rows: [[String]] {
            text.components(separatedBy: "\n").filter { $0.hasPrefix("|") }.map { line in
                line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            }
        }
    }

    static let wireProtocol = Document(at: "docs/protocol.md")
    static let idioms = Document(at: "docs/idioms.md")
    static let clients = Document(at: "docs/writing-a-client.md")

    /// The directory of the repository.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Returns the text of a file of the repository, or an empty string if the file cannot be read.
    static func text(at path: String) -> String {
        (try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)) ?? ""
    }

    private init(at path: String) {
        let text = Self.text(at: path)
        self.text = text
        flowingText = text.replacing(#/\n */#, with: " ")
        var sections: [Section] = []
        var heading = ""
        var lines: [String] = []
        var firstLine = 1
        var isInBlock = false
        func endSection() {
            sections.append(
                Section(
                    heading: heading, text: lines.joined(separator: "\n"),
                    transcripts: Self.transcripts(lines, from: firstLine, under: heading, of: path)))
        }
        for (index, line) in text.components(separatedBy: "\n").enumerated() {
            if line.hasPrefix("```") { isInBlock.toggle() }
            if !isInBlock, line.hasPrefix("#") {
                endSection()
                heading = line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces)
                lines = []
                firstLine = index + 1
            }
            lines.append(line)
        }
        endSection()
        self.sections = sections
    }

    var transcripts: [Transcript] { sections.flatMap(\.transcripts) }

    func section(_ heading: String) throws -> Section {
        try #require(sections.first { $0.heading == heading }, "the document has no section \(heading)")
    }

    private static func transcripts(
        _ lines: [String], from firstLine: Int, under heading: String, of path: String
    ) -> [Transcript] {
        var transcripts: [Transcript] = []
        var steps: [Transcript.Step]?
        for (index, line) in lines.enumerated() {
            if line == "```transcript" {
                steps = []
            } else if line == "```", let made = steps {
                transcripts.append(
                    Transcript(path: path, heading: heading, line: firstLine + index, steps: made))
                steps = nil
            } else if steps != nil {
                guard let action = Transcript.Action(line) else {
                    Issue.record("\(path):\(firstLine + index): not a step of a transcript: \(line)")
                    continue
                }
                steps?.append(Transcript.Step(action: action, line: firstLine + index))
            }
        }
        return transcripts
    }
}
