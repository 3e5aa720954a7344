import Foundation
import Testing

/// What the README and the pages of docs show is what happens.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ReadmeTests {
    /// Commands, and what they print.
    struct Session: CustomTestStringConvertible {
        let commands: String
        let output: String

        var testDescription: String { commands }
    }

    /// Each block of `sh`, with the block of `text` behind it.
    private static func sessions(of path: String) -> [Session] {
        let file = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent(path)
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
        return text.matches(of: #/```sh\n((?s:.*?))```(?s:.*?)```text\n((?s:.*?))```/#).map {
            Session(commands: String($0.1), output: String($0.2))
        }
    }

    static let sessions = sessions(of: "README.md")
    static let commandLineSessions = sessions(of: "docs/command-line.md")

    @Test func thereAreSessions() {
        #expect(Self.sessions.count >= 4)
        #expect(Self.commandLineSessions.count >= 8)
    }

    @Test(arguments: sessions + commandLineSessions) func theCommandsPrintWhatIsShown(session: Session) throws {
        let daemon = try Daemon()
        let commands = session.commands.replacingOccurrences(of: "7333", with: try daemon.port)
        let shell = try daemon.shell(commands)
        // Two programs may print in any order.
        #expect(lines(try shell.rest()) == lines(session.output))
        #expect(try shell.status() == 0)
        try daemon.expectEnd(after: SIGTERM)
    }

    private func lines(_ text: String) -> [String] {
        text.components(separatedBy: "\n").sorted()
    }
}
