import Foundation
import Testing

/// What the README shows is what happens.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ReadmeTests {
    private static let readme = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("README.md")

    /// Commands, and what they print.
    struct Session: CustomTestStringConvertible {
        let commands: String
        let output: String

        var testDescription: String { commands }
    }

    /// Each block of `sh`, with the block of `text` behind it.
    static let sessions: [Session] = {
        guard let text = try? String(contentsOf: readme, encoding: .utf8) else { return [] }
        return text.matches(of: #/```sh\n((?s:.*?))```(?s:.*?)```text\n((?s:.*?))```/#).map {
            Session(commands: String($0.1), output: String($0.2))
        }
    }()

    @Test func thereAreSessions() {
        #expect(Self.sessions.count >= 4)
    }

    @Test(arguments: sessions) func theCommandsPrintWhatIsShown(session: Session) throws {
        let daemon = try Daemon()
        let commands = session.commands.replacingOccurrences(of: "7333", with: try daemon.port)
        let shell = try Program("/usr/bin/env", ["bash", "-c", commands])
        try shell.closeInput()
        // Two programs may print in any order.
        #expect(lines(try shell.rest()) == lines(session.output))
        #expect(try shell.status() == 0)
        try daemon.expectEnd(after: SIGTERM)
    }

    private func lines(_ text: String) -> [String] {
        text.components(separatedBy: "\n").sorted()
    }
}
