import Foundation
import TestSupport
import Testing

/// What the daemon gives up once it serves.
@Suite(.serialized, .bounded) struct SandboxTests {
    /// The values of a field of each thread of the daemon.
    private func field(_ name: String, of daemon: Daemon) throws -> Set<String> {
        let tasks = "/proc/\(daemon.program.identifier)/task"
        let threads = try FileManager.default.contentsOfDirectory(atPath: tasks)
        return Set(
            try threads.map { thread in
                let status = try String(contentsOfFile: "\(tasks)/\(thread)/status", encoding: .utf8)
                let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
                return try #require(line).dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
            })
    }

    private func logLine(_ daemon: Daemon, _ text: String) throws -> String? {
        while let line = try daemon.program.errorLine() { if line.contains(text) { return line } }
        return nil
    }

    @Test("No thread of the daemon can gain privileges, and the log says what the kernel denies")
    func privileges() throws {
        let daemon = try Daemon(["--listen", "127.0.0.1:0", "--reactors", "2"])
        #expect(try field("NoNewPrivs", of: daemon) == ["1"])
        #expect(try logLine(daemon, "landlock=") != nil)
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("With sandbox: no, the daemon gives up nothing")
    func sandboxOff() throws {
        let daemon = try Daemon(environment: ["SLUICED_SANDBOX": "no"])
        #expect(try field("NoNewPrivs", of: daemon) == ["0"])
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("SIGHUP reads replaced files, and the state directory and the socket's file work, in the sandbox")
    func filesOfTheConfiguration() throws {
        let directory = temporaryPath("sandbox-\(UUID())")
        let elsewhere = temporaryPath("elsewhere-\(UUID())")
        for part in ["", "/state", "/run"] {
            try FileManager.default.createDirectory(atPath: directory + part, withIntermediateDirectories: true)
        }
        try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: true)
        defer { for path in [directory, elsewhere] { try? FileManager.default.removeItem(atPath: path) } }
        let authority = try TestAuthority(issuing: "hub")
        let users = "\(directory)/users"
        func write(_ text: String, _ path: String) throws {
            try text.write(toFile: path + ".new", atomically: false, encoding: .utf8)
            chmod(path + ".new", 0o600)
            #expect(rename(path + ".new", path) == 0)
        }
        func configure(users: String) throws {
            try write(
                """
                listen:
                  - 127.0.0.1:0
                  - unix:\(directory)/run/s
                  - address: 127.0.0.1:0
                    tls: {certificate: \(authority.path("hub.pem")), key: \(authority.path("hub.key"))}
                state-directory: \(directory)/state
                users-file: \(users)

                """, "\(directory)/sluiced.yaml")
        }
        try write("alice first\n", users)
        try configure(users: users)
        let daemon = try Daemon(["--config", "\(directory)/sluiced.yaml"], listeners: 3)
        let restriction = try #require(try logLine(daemon, "landlock="))
        #expect(try daemon.conversation("AUTH alice first\nQUIT\n") == "OK\nOK\n")
        try write("alice second\n", users)
        try authority.issue("hub")
        daemon.program.send(signal: SIGHUP)
        #expect(try logLine(daemon, "reloaded")?.contains("not reloaded") == false)
        #expect(try daemon.conversation("AUTH alice second\nQUIT\n") == "OK\nOK\n")
        // A file in a directory that the configuration did not name at the start cannot be read.
        try write("alice third\n", "\(elsewhere)/users")
        try configure(users: "\(elsewhere)/users")
        daemon.program.send(signal: SIGHUP)
        let line = try #require(try logLine(daemon, "reloaded"))
        if restriction.contains("landlock=\"version") {
            #expect(line.contains("not reloaded") && line.contains("the sandbox"), "\(line)")
        }
        try daemon.expectEnd(after: SIGTERM)
        #expect(access("\(directory)/run/s", F_OK) != 0)
    }

    @Test("A daemon with secrets writes no core dump, unless core-dumps permits it", arguments: [false, true])
    func coreDumps(isPermitted: Bool) throws {
        let users = TemporaryFile("users", containing: "alice s3cret\n")
        let daemon = try Daemon(
            environment: ["SLUICED_USERS_FILE": users.path, "SLUICED_CORE_DUMPS": isPermitted ? "yes" : "no"])
        let limits = try String(contentsOfFile: "/proc/\(daemon.program.identifier)/limits", encoding: .utf8)
        let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") })
        let isForbidden = line.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"]
        if !isPermitted { #expect(isForbidden) }
        try daemon.expectEnd(after: SIGTERM)
    }
}
