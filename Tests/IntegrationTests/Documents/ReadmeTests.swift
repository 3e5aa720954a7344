import Foundation
import TestSupport
import Testing

/// Runs the commands that the README and the documents show, and compares what they print.
@Suite(.serialized, .bounded) struct ReadmeTests {
    /// Commands and what they print.
    struct ShellExample: CustomTestStringConvertible {
        let commands: String
        let output: String

        var testDescription: String { commands }
    }

    /// Returns each block of `sh` with the block of `text` that follows it.
    private static func examples(of path: String) -> [ShellExample] {
        Document.text(at: path).matches(of: #/```sh\n((?s:.*?))```(?s:.*?)```text\n((?s:.*?))```/#).map {
            ShellExample(commands: String($0.1), output: String($0.2))
        }
    }

    static let readmeExamples = examples(of: "README.md")
    static let commandLineExamples = examples(of: "docs/command-line.md")

    @Test("The documents have shell examples") func documentsHaveExamples() {
        #expect(Self.readmeExamples.count >= 4)
        #expect(Self.commandLineExamples.count >= 8)
    }

    @Test("The commands print what the document shows", arguments: commandLineExamples)
    func commandsPrintWhatIsShown(example: ShellExample) throws {
        let daemon = try Daemon()
        try run(example, with: daemon)
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("The README's commands print what it shows, one after the other with one daemon")
    func theReadmesCommandsPrintWhatIsShown() throws {
        let daemon = try Daemon()
        for example in Self.readmeExamples { try run(example, with: daemon) }
        try daemon.expectEnd(after: SIGTERM)
    }

    private func run(_ example: ShellExample, with daemon: Daemon) throws {
        let commands = example.commands.replacingOccurrences(of: "7333", with: try daemon.port)
        let shell = try daemon.shell(commands)
        // Two programs may print in either order.
        #expect(sortedLines(try shell.rest()) == sortedLines(example.output))
        #expect(try shell.status() == 0)
    }

    @Test("CI runs every make target and every script that the README names") func ciRunsWhatIsNamed() {
        let ci = Document.text(at: ".ci/run").replacing("make --silent ", with: "make ")
        let readme = Document.text(at: "README.md")
        let targets = readme.matches(of: #/(?m)(?:^    |`)make ([a-z]+)\b/#).map { "make \($0.1)" }
        let scripts = readme.matches(of: #/deploy/[a-z-]+\.sh/#).map { String($0.0) }
        #expect(targets.count > 8 && !scripts.isEmpty)
        for command in Set(targets + scripts) { #expect(ci.contains(command), ".ci/run does not run \(command)") }
    }

    /// Returns the lines in order, without the fences of leases, which begin with the time of the daemon's start.
    private func sortedLines(_ text: String) -> [String] {
        text.replacing(#/fence=\d+/#, with: "fence=N").components(separatedBy: "\n").sorted()
    }
}
