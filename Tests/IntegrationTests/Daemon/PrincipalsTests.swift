import Foundation
import TestSupport
import Testing

/// Principals of the daemon, their tokens, and changes while it runs.
@Suite(.serialized, .bounded) struct PrincipalsTests {
    /// Makes a token with `sluice token new`, and returns it with its digest.
    private func newToken(_ daemon: Daemon) throws -> (token: String, digest: String) {
        let lines = try daemon.sluice("token", "new").rest().split(separator: "\n").map(String.init)
        try #require(lines.count == 2 && lines[1].hasPrefix("sha256:"))
        return (lines[0], lines[1])
    }

    private func rewrite(_ file: TemporaryFile, _ text: String) throws {
        // In place, so that the file keeps its permissions.
        let handle = try #require(FileHandle(forWritingAtPath: file.path))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    /// Makes the daemon reload its configuration, and returns the line of the log with the result.
    private func reload(_ daemon: Daemon) throws -> String {
        daemon.program.send(signal: SIGHUP)
        while let line = try daemon.program.errorLine() { if line.contains("reloaded") { return line } }
        throw CocoaError(.fileReadUnknown)
    }

    private func start(_ principals: String) throws -> (daemon: Daemon, file: TemporaryFile) {
        let file = TemporaryFile("principals.yaml", containing: principals)
        return (try Daemon(environment: ["SLUICED_PRINCIPALS_FILE": file.path]), file)
    }

    @Test("A new token authenticates, sluice says what is denied, and ends with 7")
    func commandLine() throws {
        let maker = try Daemon()
        let (token, digest) = try newToken(maker)
        let (daemon, file) = try start("principals: {worker: {tokens: [\"\(digest)\"], allow: {recv: [jobs/]}}}\n")
        defer { withExtendedLifetime(file) {} }
        try daemon.expect(
            "3\n7\n7\n7\n",
            of: """
                export SLUICE_PRINCIPAL=worker SLUICE_TOKEN=\(token)
                sluice recv --timeout 0 jobs/a 2> /dev/null; echo $?
                sluice recv --timeout 0 other 2> /dev/null; echo $?
                sluice info 2> /dev/null; echo $?
                SLUICE_TOKEN=x sluice ping 2> /dev/null; echo $?
                """)
        let denied = try daemon.shell(
            "SLUICE_PRINCIPAL=worker SLUICE_TOKEN=\(token) sluice send --timeout 0 jobs/a x")
        #expect(
            try denied.errorOutput()
                == "sluice: refused (denied): this client has no permission for SEND jobs/a\n")
        #expect(try denied.status() == 7)
        #expect(try newToken(maker).token != token)
    }

    @Test("A reload applies to waiting commands, and a mistake in the file changes nothing")
    func reloads() throws {
        let maker = try Daemon()
        let (token, digest) = try newToken(maker)
        func principals(_ allow: String) -> String {
            "principals:\n  worker: {tokens: [\"\(digest)\"], allow: {recv: [\(allow)]}}\n"
        }
        let (daemon, file) = try start(principals("jobs/"))
        let worker = try LineSocket(port: daemon.port)
        #expect(try worker.answer(to: "auth worker \(token)") == "OK")
        try worker.send(Array("#1 recv jobs/a\n".utf8))
        #expect(try worker.answer(to: "ping") == "OK")
        try rewrite(file, principals("jobs/") + "    oops: 1\n")
        #expect(try reload(daemon).contains("not reloaded"))
        #expect(try worker.answer(to: "recv timeout=0 jobs/b") == "TIMEOUT")
        try rewrite(file, principals("other/"))
        #expect(try reload(daemon).contains("configuration reloaded"))
        #expect(try worker.line() == "#1 ERR denied this client has no permission for RECV jobs/a")
        #expect(try worker.answer(to: "recv timeout=0 other/b") == "TIMEOUT")
        try rewrite(file, "principals: {anonymous: {allow: {recv: [news/]}}}\n")
        #expect(try reload(daemon).contains("configuration reloaded"))
        #expect(try worker.line()?.hasPrefix("ERR denied the principal of this connection was removed") == true)
        #expect(try worker.line() == nil)
        let guest = try LineSocket(port: daemon.port)
        #expect(try guest.answer(to: "recv timeout=0 news/today") == "TIMEOUT")
        #expect(
            try guest.answer(to: "recv timeout=0 jobs/a")
                == "ERR denied this client has no permission for RECV jobs/a")
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("--check-config prints ok, or what is wrong, and the expiry of certificates")
    func checkConfig() throws {
        let authority = try TestAuthority(issuing: "hub")
        let file = TemporaryFile(
            "sluiced.yaml",
            containing: """
                listen:
                  - address: "127.0.0.1:0"
                    tls: {certificate: \(authority.path("hub.pem")), key: \(authority.path("hub.key"))}
                principals: {anonymous: {allow: {recv: [""]}}}

                """)
        let good = try Daemon.start(["--config", file.path, "--check-config"])
        let lines = try good.rest().split(separator: "\n")
        #expect(try good.status() == 0)
        #expect(lines.count == 3 && lines.last == "ok")
        #expect(
            lines.first?.contains(
                /hub\.pem: the certificate of 127\.0\.0\.1:0 expires on 20\d\d-\d\d-\d\d, in \d+ days?/) == true)
        try rewrite(file, "principals: {robot: {certificate: robot, allow: {}}}\n")
        let useless = try Daemon.start(["--config", file.path, "--check-config"])
        #expect(
            try useless.rest() == """
                1 principal
                certificates identify nobody, because no listener has principal-from: robot
                ok

                """)
        try rewrite(file, "principals: {a: {tokens: [s3cret]}}\n")
        let bad = try Daemon.start(["--config", file.path, "--check-config"])
        #expect(try bad.errorOutput().hasPrefix("sluiced: \(file.path):1: principals: a: tokens: write sha256:"))
        #expect(try bad.status() == 78)
    }
}
