import Foundation
import TestSupport
import Testing

/// The daemon over TLS, with `sluice` and with `openssl s_client`.
@Suite(.serialized, .bounded) struct TLSTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority(issuing: "hub", "worker")
    }

    /// Starts a daemon whose first listener is plain, and whose second one has TLS.
    private func start(_ more: String = "") throws -> (daemon: Daemon, file: TemporaryFile) {
        let file = TemporaryFile("sluiced.yaml", containing: configuration(more))
        return (try Daemon(["--config", file.path], listeners: 2), file)
    }

    private func configuration(_ more: String = "") -> String {
        """
        listen:
          - 127.0.0.1:0
          - address: "127.0.0.1:0"
            tls: {certificate: \(authority.path("hub.pem")), key: \(authority.path("hub.key"))\(more)}

        """
    }

    private func address(of daemon: Daemon) throws -> String {
        let line = try #require(daemon.readyLines.last)
        return try #require(line.hasPrefix("ready tls=") ? String(line.dropFirst("ready tls=".count)) : nil)
    }

    private func sluice(_ daemon: Daemon, _ arguments: String...) throws -> Program {
        try daemon.sluice(
            arguments + ["-H", "sluices://\(address(of: daemon))", "--ca", authority.certificatePath])
    }

    private func openssl(_ arguments: String...) throws -> Program {
        try Program("/usr/bin/env", ["openssl"] + arguments)
    }

    @Test("The command line sends and receives over TLS, bodies of any size")
    func commandLine() throws {
        let (daemon, _) = try start()
        for size in [1, 20_000, 1_000_000] {
            let body = String(repeating: "x", count: size)
            let receiving = try sluice(daemon, "recv", "jobs")
            let sending = try sluice(daemon, "send", "jobs")
            try sending.say(body)
            try sending.closeInput()
            #expect(try receiving.rest() == body + "\n")
            #expect(try (sending.status(), receiving.status()) == (0, 0))
        }
    }

    @Test("openssl s_client can send commands, and sees the end of the connection after QUIT")
    func opensslClient() throws {
        let (daemon, _) = try start()
        let client = try openssl(
            "s_client", "-quiet", "-connect", try address(of: daemon), "-CAfile", authority.certificatePath,
            "-verify_return_error", "-verify_ip", "127.0.0.1")
        try client.say("PING\nPING hello\n")
        #expect(try client.line() == "OK")
        #expect(try client.line() == "DATA 5")
        #expect(try client.line() == "hello")
        try client.say("QUIT\n")
        #expect(try client.line() == "OK")
        #expect(try client.line() == nil)
    }

    @Test("A plain client at a TLS port, and the reverse, get one clear line")
    func wrongProtocols() throws {
        let (daemon, _) = try start()
        let secure = try address(of: daemon)
        let plain = try LineSocket(port: String(secure.split(separator: ":")[1]))
        try plain.send(Array("PING\n".utf8))
        #expect(try plain.line() == "ERR not-sluice this port speaks TLS: connect with sluices://")
        #expect(try plain.line() == nil)
        let ping = try daemon.sluice(["ping", "-H", secure])
        #expect(try ping.status() == 1)
        #expect(
            try ping.errorOutput() == "sluice: refused (not-sluice): this port speaks TLS: connect with sluices://\n")
        let reverse = try daemon.sluice(["ping", "--tls", "-H", "127.0.0.1:\(daemon.port)"])
        #expect(try reverse.status() == 1)
        #expect(try reverse.errorOutput().hasSuffix(": the server does not speak TLS\n"))
    }

    @Test("A client that does not trust the server says why, and one that trusts all connects")
    func untrustedServers() throws {
        let (daemon, _) = try start()
        let hub = "sluices://\(try address(of: daemon))"
        let untrusting = try daemon.sluice(["ping", "-H", hub])
        #expect(try untrusting.status() == 1)
        #expect(
            try untrusting.errorOutput().contains("unable to get local issuer certificate (the certificate of CN=hub)"))
        #expect(try daemon.sluice(["ping", "-H", hub, "--insecure-no-verify"]).status() == 0)
        #expect(try daemon.shell("SLUICE_CA=\(authority.certificatePath) sluice ping -H \(hub)").status() == 0)
        #expect(try daemon.sluice(["ping", "-H", hub, "--cert", authority.path("worker.pem")]).status() == 2)
    }

    @Test("A browser's protocol is refused")
    func browsers() throws {
        let (daemon, _) = try start()
        let client = try openssl("s_client", "-connect", try address(of: daemon), "-alpn", "h2,http/1.1")
        try client.closeInput()
        #expect(try client.errorOutput().contains("alert no application protocol"))
    }

    @Test("With an authority for clients, only those with its certificates connect")
    func clientCertificates() throws {
        let (daemon, _) = try start(", client-ca: \(authority.certificatePath)")
        #expect(try sluice(daemon, "ping").status() == 1)
        let worker = try sluice(
            daemon, "ping", "--cert", authority.path("worker.pem"), "--key", authority.path("worker.key"))
        #expect(try worker.status() == 0)
        while let line = try daemon.program.errorLine() {
            guard line.contains("TLS handshake failed") else { continue }
            #expect(line.contains("reason=peer did not return a certificate"), "\(line)")
            break
        }
    }

    @Test(
        "Certificates that are slow to parse are refused before OpenSSL parses them",
        arguments: [
            (["P-256", "explicit"], 1, "its key describes its curve instead of naming it"),
            (["P-224", "named_curve"], 1, "its key is on the curve P-224"),
            (["P-256", "named_curve"], 10, "there are more than 10 certificates"),
        ])
    func slowCertificates(curve: [String], count: Int, problem: String) throws {
        var request = TestAuthority.Request("slow")
        request.key = [
            "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve[0])", "-pkeyopt", "ec_param_enc:\(curve[1])",
        ]
        try authority.issue(request)
        let (daemon, _) = try start(", client-ca: \(authority.certificatePath)")
        // Behind the client's own certificate, which is good.
        let slow = try String(contentsOfFile: authority.path("slow.pem"), encoding: .utf8)
        let chain = TemporaryFile("chain.pem", containing: String(repeating: slow, count: count))
        for version in ["-tls1_2", "-tls1_3"] {
            let client = try openssl(
                "s_client", "-quiet", version, "-connect", try address(of: daemon), "-cert",
                authority.path("worker.pem"),
                "-key", authority.path("worker.key"), "-cert_chain", chain.path)
            try client.say("PING\n")
            #expect(try client.line() == nil)
            while let line = try daemon.program.errorLine() {
                guard line.contains("TLS handshake failed") else { continue }
                #expect(line.contains("reason=the client's certificate: \(problem)"), "\(line)")
                break
            }
        }
        #expect(
            try sluice(daemon, "ping", "--cert", authority.path("worker.pem"), "--key", authority.path("worker.key"))
                .status() == 0)
    }

    @Test("The daemon stops reading from a client that does not read its replies, and loses none of them")
    func backpressure() throws {
        let (daemon, _) = try start()
        let client = try openssl("s_client", "-quiet", "-connect", try address(of: daemon))
        let count = 2_000
        let text = String(repeating: "y", count: 2_000)
        let writing = DispatchQueue(label: "writing")
        nonisolated(unsafe) let writer = client
        writing.async { for _ in 0..<count { try? writer.say("PING \(text)\n") } }
        for _ in 0..<count {
            #expect(try client.line() == "DATA \(text.count)")
            #expect(try client.line() == text)
        }
        writing.sync {}
    }

    @Test("SIGHUP uses the new certificate, and keeps the old one if the new one is unusable")
    func reload() throws {
        let (daemon, file) = try start()
        defer { withExtendedLifetime(file) {} }
        func reload() throws -> String {
            daemon.program.send(signal: SIGHUP)
            while let line = try daemon.program.errorLine() { if line.contains("reloaded") { return line } }
            return ""
        }
        func subject() throws -> String {
            let client = try openssl("s_client", "-connect", try address(of: daemon))
            try client.closeInput()
            let lines = try client.rest().split(separator: "\n")
            return String(lines.first { $0.hasPrefix("subject=") } ?? "")
        }
        #expect(try subject() == "subject=CN = hub")
        func replace(_ file: String, with other: String) throws {
            let contents = try #require(FileManager.default.contents(atPath: authority.path(other)))
            try contents.write(to: URL(fileURLWithPath: authority.path(file)))
        }
        try replace("hub.pem", with: "worker.pem")
        #expect(try reload().contains("not reloaded"))
        #expect(try subject() == "subject=CN = hub")
        try replace("hub.key", with: "worker.key")
        let line = try reload()
        #expect(line.contains("configuration reloaded"), "\(line)")
        #expect(try subject() == "subject=CN = worker")
    }

    @Test("A certificate that cannot be used prevents the start, and the error has its path")
    func unusableCertificates() throws {
        let file = TemporaryFile("sluiced.yaml", containing: configuration().replacing("hub.pem", with: "none.pem"))
        let program = try Daemon.start(["--config", file.path])
        #expect(try program.status() == 78)
        #expect(try program.errorOutput().contains(authority.path("none.pem")))
    }

    @Test("The daemon stops in good order while clients are connected, and in the middle of a handshake")
    func shutdown() throws {
        let (daemon, _) = try start()
        let secure = try address(of: daemon)
        let silent = try LineSocket(port: String(secure.split(separator: ":")[1]))
        // When this later client has been answered, the silent one has been accepted. Otherwise it would be reset.
        let idle = try openssl("s_client", "-quiet", "-connect", secure)
        try idle.say("PING\n")
        #expect(try idle.line() == "OK")
        try daemon.expectEnd(after: SIGTERM)
        #expect(try idle.line() == nil)
        #expect(try silent.line() == nil)
    }
}
