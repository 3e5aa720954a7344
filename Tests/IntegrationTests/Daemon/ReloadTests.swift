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
            // The daemon told at its start what it has given up.
            if !line.contains("landlock=") { lines.append(line) }
            if line.contains("reloaded") { return lines }
        }
        throw CocoaError(.fileReadUnknown)
    }

    @Test("A reload changes the time for which the daemon drains")
    func theDrainIsReloaded() throws {
        try write("listen: 127.0.0.1:0\nlimits:\n  drain-seconds: 3600\n", to: file)
        let daemon = try Daemon(["--config", file.path])
        let (sender, holder) = (try LineSocket(port: daemon.port), try LineSocket(port: daemon.port))
        try sender.send(Array("send jobs x\n".utf8))
        #expect(try holder.answer(to: "recv lease=1h jobs")?.hasPrefix("MSG ") == true)
        try write("listen: 127.0.0.1:0\nlimits:\n  drain-seconds: 0\n", to: file)
        #expect(try reload(daemon).last?.contains("configuration reloaded") == true)
        daemon.program.send(signal: SIGTERM)
        while let line = try daemon.program.errorLine(), !line.contains("limit=0.0 seconds ") {
            try #require(!line.contains("limit="), "\(line)")
        }
        #expect(try sender.line() == "MAYBE draining")
        #expect(try daemon.program.status() == 0)
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
        #expect(log.count == 2 && log[1].contains("configuration reloaded"), "\(log)")
        #expect(
            log[0].contains("client=\(alice.address) principal=alice command=AUTH") && log[0].hasSuffix("authenticated")
        )
        // A user that was removed is disconnected.
        #expect(try alice.line()?.hasPrefix("ERR denied ") == true)
        #expect(try alice.line() == nil)
        let gone = try LineSocket(port: daemon.port)
        #expect(try gone.answer(to: "auth alice s3cret")?.hasPrefix("ERR denied ") == true)
        gone.close()
        let bob = try LineSocket(port: daemon.port)
        #expect(try bob.answer(to: "auth bob hunter2") == "OK")
        #expect(try bob.answer(to: "join end=send c")?.hasPrefix("ERR limit ") == true)
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

    @Test(
        "A configuration that is no file of its kind changes nothing, and SIGTERM ends the daemon",
        arguments: ["a pipe", "an endless device", "a directory", "too large", "an alias bomb", "a deep value"])
    func aConfigurationOfAnotherKindChangesNothing(kind: String) throws {
        let daemon = try Daemon(["--config", file.path])
        try FileManager.default.removeItem(atPath: file.path)
        let bomb =
            "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + "bcdefghijkl".map {
                "\($0): &\($0) [\(Array(repeating: "*\(previous($0))", count: 10).joined(separator: ", "))]\n"
            }
            .joined() + "? *l\n: 1\n"
        switch kind {
        case "a pipe": #expect(mkfifo(file.path, 0o600) == 0)
        case "an endless device":
            try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: "/dev/zero")
        case "a directory":
            try FileManager.default.createDirectory(atPath: file.path, withIntermediateDirectories: false)
        case "too large": try Data(String(repeating: "# x\n", count: 300_000).utf8).write(to: URL(filePath: file.path))
        case "an alias bomb": try Data(bomb.utf8).write(to: URL(filePath: file.path))
        default: try Data(("a: " + String(repeating: "[", count: 100_000)).utf8).write(to: URL(filePath: file.path))
        }
        let log = try reload(daemon)
        #expect(
            log.count == 1 && log[0].contains("the old one stays in effect") && log[0].contains(file.path), "\(log)")
        let client = try LineSocket(port: daemon.port)
        #expect(try client.answer(to: "auth alice s3cret") == "OK")
        client.close()
        try daemon.expectEnd(after: SIGTERM)
    }

    private func previous(_ letter: Character) -> Character {
        Character(UnicodeScalar((letter.asciiValue ?? 1) - 1))
    }

    @Test("A users' file that others can read, or that is not a regular file, changes nothing")
    func aUsersFileThatOthersCanReadChangesNothing() throws {
        let daemon = try Daemon(["--config", file.path])
        chmod(users.path, 0o644)
        #expect(try reload(daemon)[0].contains("run chmod 600"))
        unlink(users.path)
        mkfifo(users.path, 0o600)
        #expect(try reload(daemon)[0].contains("not a regular file"))
        let client = try LineSocket(port: daemon.port)
        #expect(try client.answer(to: "auth alice s3cret") == "OK")
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
