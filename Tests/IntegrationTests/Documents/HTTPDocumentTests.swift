import Foundation
import TestSupport
import Testing

/// Replays the conversations with curl in `docs/http.md`.
///
/// `A$ command` starts a command, and `A< line` is the next line that it prints. `(1 waits)` and `(2 wait)` stand for so many
/// operations that the daemon has parked. In a line, `<word>` is any word and then that same word, and `...` is anything.
@Suite(.bounded) struct HTTPDocumentTests {
    struct Conversation: CustomTestStringConvertible, Sendable {
        let line: Int
        let steps: [String]

        var testDescription: String { "line \(line)" }
    }

    static let conversations: [Conversation] = {
        var found: [Conversation] = []
        var steps: [String]?
        for (index, line) in Document.text(at: "docs/http.md").components(separatedBy: "\n").enumerated() {
            if line == "```curl" {
                steps = []
            } else if line == "```", let complete = steps {
                found.append(Conversation(line: index + 1, steps: complete))
                steps = nil
            } else {
                steps?.append(line)
            }
        }
        return found
    }()

    @Test("The document shows conversations") func conversationsExist() { #expect(Self.conversations.count >= 5) }

    @Test("The daemon answers curl as the document shows", arguments: conversations)
    func replay(conversation: Conversation) throws {
        let daemon = try WebDaemon()
        let observer = try daemon.line()
        var commands: [Character: Program] = [:]
        var meanings: [String: String] = [:]
        for step in conversation.steps {
            if let match = step.wholeMatch(of: #/([A-Z])\$ (.*)/#), let name = match.1.first {
                if let before = commands[name] { #expect(try before.rest().isEmpty, "\(step)") }
                var command = String(match.2).replacing("localhost:7380", with: "127.0.0.1:\(try daemon.port)")
                for (word, meaning) in meanings { command = command.replacing("<\(word)>", with: meaning) }
                command = command.replacing("curl ", with: "curl -sS ")
                commands[name] = try Program("/bin/bash", ["-c", command])
            } else if let match = step.wholeMatch(of: #/([A-Z])<(?: (.*))?/#), let name = match.1.first {
                let command = try #require(commands[name], "\(step)")
                let line = try command.line() ?? command.rest()
                let received = line.hasSuffix("\r") ? String(line.dropLast()) : line
                try expect(received, match.2.map(String.init) ?? "", &meanings)
            } else if let match = step.wholeMatch(of: #/\((\d+) waits?\)/#) {
                try wait(until: try #require(Int(match.1)), observer)
            } else {
                try #require(step == "(the server drains)", "\(step)")
                daemon.daemon.program.send(signal: SIGUSR2)
            }
        }
    }

    @Test("The OpenAPI description has the paths of the document, and the daemon has all of them")
    func description() throws {
        let daemon = try WebDaemon()
        let text = Document.text(at: "docs/openapi.yaml")
        let paths = text.matches(of: #/\n  (\/[^:]*):/#).map { String($0.1) }
        let document = Document.text(at: "docs/http.md")
        var documented: Set<String> = []
        for match in document.matches(of: #/`(?:[A-Z]+ )?(\/[A-Za-z0-9\/]+)`/#) {
            let path = String(match.1)
            documented.insert(path.replacing("/NAME", with: "/{name}").replacing("/TOKEN", with: "/{token}"))
        }
        #expect(paths.count >= 12)
        #expect(documented.isSuperset(of: paths))
        for path in paths {
            let example = path.replacing("{name}", with: "jobs").replacing("{token}", with: "x")
            #expect(try daemon.curl("-X", "OPTIONS", example) == "|204", "\(path)")
        }
    }

    private func expect(_ received: String, _ shown: String, _ meanings: inout [String: String]) throws {
        var pattern = NSRegularExpression.escapedPattern(for: shown).replacing("\\.\\.\\.", with: ".*")
        let word = shown.firstMatch(of: #/<([a-z]+)>/#).map { String($0.1) }
        if let word { pattern = pattern.replacing("<\(word)>", with: "(\\S+)") }
        let expression = try NSRegularExpression(pattern: "^\(pattern)$")
        let range = NSRange(received.startIndex..., in: received)
        let match = try #require(expression.firstMatch(in: received, range: range), "\(received) instead of \(shown)")
        if let word, let range = Range(match.range(at: 1), in: received) { meanings[word] = String(received[range]) }
    }

    private func wait(until count: Int, _ observer: LineSocket) throws {
        try waitUntil {
            try observer.send(Array("waiters format=json\n".utf8))
            _ = try observer.line()
            return try #require(try observer.line()).matches(of: #/"operation"/#).count == count
        }
    }
}
