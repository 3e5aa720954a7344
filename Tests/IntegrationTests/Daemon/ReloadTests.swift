import Foundation
import TestSupport
import Testing

/// Configuration that is read again while the daemon runs.
@Suite(.serialized, .bounded) struct ReloadTests {
    private let users = TemporaryFile("users", containing: "alice s3cret\n")
    private let file: TemporaryFile

    init() {
        file = TemporaryFile("sluiced.yaml", containing: "listen: 127.0.0.1:0\nusers-file: \(users.path)\n")
    }

    private func write(_ text: String, to file: TemporaryFile) throws {
        // Written in place, so that the file keeps its permissions.
        let handle = try #require(FileHandle(forWritingAtPath: file.path))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    /// Makes the daemon reload its configuration. Returns the lines that it logs, up to the one with the result.
    private func reload(_ daemon: Daemon) throws -> [String] {
        daemon.program.send(signal: SIGHUP)
        var lines: [String] = []
        while let line = try daemon.program.errorLine() {
            lines.append(line)
            if line.contains("reloaded") { return lines }
        }
        throw CocoaError(.fileReadUnknown)
    }

    @Test("A reload changes users, limits and the log level")
    func usersLimitsAndLogLevelChange() throws {
        let daemon = try Daemon(["--config", file.path])
        let alice = try LineSocket(port: daemon.port)
        #expect(try alice.answer(to: "auth alice s3cret") == "OK")
        try write("bob hunter2\n", to: users)
        try write(
            "listen: 127.0.0.1:0\nusers-file: \(users.path)\nlog-level: debug\nlimits:\n  ends: 0\n", to: file)
        let log = try reload(daemon)
        #expect(log.count == 1 && log[0].contains("configuration reloaded"), "\(log)")
        // A connected client keeps its principal.
        #expect(try alice.answer(to: "ping") == "OK")
        #expect(try alice.answer(to: "join end=send c")?.hasPrefix("ERR limit ") == true)
        let gone = try LineSocket(port: daemon.port)
        #expect(try gone.answer(to: "auth alice s3cret")?.hasPrefix("ERR denied ") == true)
        gone.close()
        let bob = try LineSocket(port: daemon.port)
        #expect(try bob.answer(to: "auth bob hunter2") == "OK")
        #expect(try bob.answer(to: "quit") == "OK")
        bob.close()
        // Only the level debug logs an orderly end.
        while try #require(try daemon.program.errorLine()).contains("reason=quit") == false {}
        alice.close()
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("A reload keeps the settings that need a restart and logs their keys")
    func settingsThatNeedARestartAreLogged() throws {
        let daemon = try Daemon(["--config", file.path])
        let port = try daemon.port
        try write(
            """
            listen: 127.0.0.1:1
            users-file: \(users.path)
            limits:
              line-bytes: 600
              connections: 2
            processes:
              - sieve: {to: primes}

            """, to: file)
        let log = try reload(daemon)
        #expect(log.count == 4)
        for key in ["listen", "limits.line-bytes", "processes"] {
            #expect(log.contains { $0.contains("warning") && $0.contains("key=\(key)") }, "\(log)")
        }
        let client = try LineSocket(port: port)
        #expect(try client.answer(to: "hello")?.contains("max-line=8192") == true)
        // A second reload logs the same keys again.
        #expect(try reload(daemon).count == 4)
        client.close()
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test(
        "A configuration file with a mistake changes nothing",
        arguments: [
            ("listen: 127.0.0.1:0\nlimits:\n  ends: many\n", ":3: limits.ends: "),
            ("listen: 127.0.0.1:0\nlimits: {ends: 0}\nlog-levle: debug\n", ":3: unknown key"),
            ("listen: 127.0.0.1:0\n  - :\n", ":2: "),
            ("limits: {ends: 0}\nusers-file: /nonexistent\n", "/nonexistent"),
        ])
    func aFileWithAMistakeChangesNothing(text: String, problem: String) throws {
        let daemon = try Daemon(["--config", file.path])
        try write(text, to: file)
        let log = try reload(daemon)
        #expect(log.count == 1)
        #expect(log[0].contains("error") && log[0].contains("the old one stays in effect"))
        #expect(log[0].contains(problem), "\(log)")
        let client = try LineSocket(port: daemon.port)
        #expect(try client.answer(to: "ping")?.hasPrefix("ERR auth-required ") == true)
        #expect(try client.answer(to: "auth alice s3cret") == "OK")
        #expect(try client.answer(to: "join end=send c") == "OK")
        client.close()
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("A users' file with a mistake changes nothing")
    func aUsersFileWithAMistakeChangesNothing() throws {
        let daemon = try Daemon(["--config", file.path])
        try write("listen: 127.0.0.1:0\nusers-file: \(users.path)\nlimits: {ends: 0}\n", to: file)
        try write("bob\n", to: users)
        let log = try reload(daemon)
        #expect(log.count == 1 && log[0].contains("\(users.path):1: "), "\(log)")
        let client = try LineSocket(port: daemon.port)
        #expect(try client.answer(to: "auth alice s3cret") == "OK")
        #expect(try client.answer(to: "join end=send c") == "OK")
        client.close()
        try daemon.expectEnd(after: SIGTERM)
    }
}
