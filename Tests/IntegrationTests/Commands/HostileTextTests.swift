import Foundation
import SluiceWire
import TestSupport
import Testing

/// What `sluice` shows on a terminal when a server or a user gives it text that a terminal would act on.
@Suite(.serialized, .bounded) struct HostileTextTests {
    /// Controls of C0 and C1, marks that turn a line around, and invisible characters.
    private static let hostile = "a\u{9B}31m\u{202E}b\u{2066}\u{200F}\u{FEFF}\u{1B}[2J\u{7}\u{7F}\u{E0041}c"

    /// Answers every command with hostile text, where the reply has any.
    private static func answer(to line: String) -> String {
        var words = line.split(separator: " ").map(String.init)
        let tag = words.first?.hasPrefix("#") == true ? words.removeFirst() + " " : ""
        let text = words.contains("format=json") ? "{\"x\":\"\(hostile.filter { $0 >= " " })\"}" : hostile
        let data = "\(tag)DATA \(text.utf8.count)\n\(text)\n"
        switch words.first?.uppercased() {
        case "HELLO": return "\(tag)OK version=1 epoch=1 max-line=8192 max-body=1048576 max-arms=64 max-tags=1024\n"
        case "INFO", "CHANNELS", "WAITERS", "CLIENTS", "STUCK": return data
        case "TRACE": return data + "\(tag)CANCELLED \(hostile)\n"
        case "RECV", "SELECT":
            let arm = words[0].uppercased() == "SELECT" ? " arm=0" : ""
            let message = "\(tag)MSG jobs \(hostile.utf8.count)\(arm) did=1.1 attempt=1\n\(hostile)\n"
            return message + (words.contains { $0.hasPrefix("count=") } ? "\(tag)POISONED jobs \(hostile)\n" : "")
        case "SEND": return "\(tag)POISONED jobs \(hostile)\n"
        case "PING", "ACK", "NAME": return "\(tag)OK\n"
        default: return "\(tag)ERR denied \(hostile)\n"
        }
    }

    private static let commands: [[String]] =
        ["info", "channels", "waiters", "clients", "stuck", "trace", "ping"].flatMap { [[$0], [$0, "--json"]] }
        + [
            ["recv", "jobs"], ["recv", "--json", "jobs"], ["recv", "--ack", "jobs"], ["recv", "--follow", "jobs"],
            ["select", "recv", "jobs"], ["select", "--json", "recv", "jobs"], ["send", "jobs", "x"],
            ["send", "--json", "jobs", "x"], ["open", "jobs"], ["close", "jobs"], ["poison", "jobs", "x"],
            ["barrier", "-n", "2", "b"], ["lock", "l", "--", "true"], ["pipe", "jobs", "b"],
            ["dead", "list"], ["dead", "list", "--json"], ["dead", "show", "jobs"], ["dead", "show", "--json", "jobs"],
            ["dead", "redrive", "jobs"],
            ["send", hostile, "x"], ["recv", "--timeout", hostile, "jobs"], ["--\(hostile)"], [hostile],
            ["info", "--hub", hostile], ["info", "--label", hostile], ["open", "--kind", hostile, "jobs"],
        ]

    @Test("No command lets a terminal act on text of a server or a user", arguments: commands)
    func textIsEscaped(arguments: [String]) throws {
        let server = try LyingServer { Self.answer(to: $0) }
        let directory = try URL(
            fileURLWithPath: FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        ).deletingLastPathComponent()
        let words = [directory.appendingPathComponent("sluice").path] + arguments
        let command = words.map { "'\($0)'" }.joined(separator: " ")
        // `script` runs the command on a terminal.
        let terminal = try Program(
            "/usr/bin/env", ["script", "-qec", command, "/dev/null"],
            environment: ["SLUICE_ADDRESS": "127.0.0.1:\(server.port)", "SHELL": "/bin/sh"])
        try terminal.closeInput()
        let output = try terminal.rest()
        let acting = output.unicodeScalars.filter { $0.actsOnTerminal && !"\r\n\t".unicodeScalars.contains($0) }
        #expect(acting.isEmpty, "\(acting.map { String($0.value, radix: 16) }) in \(output.debugDescription)")
        #expect(!output.isEmpty)
        let showsText = arguments[0] != "ping" && !arguments.contains("--label")
        if showsText {
            #expect(output.contains("u202e") || output.contains("could not") || output.contains("'"), "\(output)")
        }
        withExtendedLifetime(server) {}
    }

    @Test("A closed standard output or error does not reach the hub as a command")
    func closedDescriptorsAreNotSockets() throws {
        let daemon = try Daemon(["--listen", "127.0.0.1:0", "--log-level", "debug"])
        try daemon.expect("1\n", of: "sluice send evil 'send smuggled x' & sluice recv evil >&-; echo $?; wait")
        try daemon.expect("4\n", of: "sluice close over; sluice send over x 2>&-; echo $?")
        try daemon.expect("", of: "sluice recv --timeout 0 smuggled")
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("The bytes of a message reach a pipe as they are")
    func pipesGetTheBytes() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "\u{9B}\u{202E}\u{1B}x\n",
            of: "printf '\u{9B}\u{202E}\u{1B}x' | sluice send --whole a & sluice recv a; wait")
        try daemon.expectEnd(after: SIGTERM)
    }
}
