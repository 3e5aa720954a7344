import Foundation
import TestSupport
import Testing

/// Clients whose principal the daemon knows without `AUTH`: from their certificate, or from the user of their process.
@Suite(.serialized, .bounded) struct IdentifiedClientTests {
    private func start(_ listener: String, _ principals: String) throws -> (daemon: Daemon, file: TemporaryFile) {
        let file = TemporaryFile("sluiced.yaml", containing: configuration(listener, principals))
        chmod(file.path, 0o600)
        return (try Daemon(["--config", file.path], listeners: 2), file)
    }

    private func configuration(_ listener: String, _ principals: String) -> String {
        "listen: [\"127.0.0.1:0\", \(listener)]\nprincipals:\n  \(principals)\n"
    }

    private func reload(_ daemon: Daemon, _ file: TemporaryFile, _ contents: String) throws {
        try contents.write(toFile: file.path, atomically: false, encoding: .utf8)
        daemon.program.send(signal: SIGHUP)
        while let line = try daemon.program.errorLine(), !line.contains("configuration reloaded") {
            #expect(!line.contains("not reloaded"), "\(line)")
        }
    }

    @Test("A client on a Unix-domain socket has the principal of its user, until the principal is removed")
    func users() throws {
        let path = temporaryPath("users.sock")
        let listener = "{address: \"unix:\(path)\", user-principals: {\(getuid()): worker}}"
        let worker = "worker: {tokens: [\"sha256:\(String(repeating: "0", count: 64))\"], allow: {send: [jobs]}}"
        let (daemon, file) = try start(listener, worker)
        let client = try LineSocket(path: path)
        try client.send(Array("SEND secrets x\nSEND timeout=0 jobs x\n".utf8))
        #expect(try client.line() == "ERR denied this client has no permission for SEND secrets")
        #expect(try client.line()?.hasPrefix("TIMEOUT") == true)
        // Others must authenticate.
        let stranger = try LineSocket(port: daemon.port)
        try stranger.send(Array("SEND timeout=0 jobs x\n".utf8))
        #expect(try stranger.line()?.hasPrefix("ERR auth-required ") == true)
        try reload(
            daemon, file,
            configuration(listener.replacing("worker", with: "other"), worker.replacing("worker", with: "other")))
        #expect(try client.line()?.hasPrefix("ERR denied the principal of this connection was removed") == true)
        #expect(try client.line() == nil)
    }

    @Test(
        "A client's certificate proves its principal by the configured kind of name, until the principal has another one",
        arguments: [
            ("san-uri", "spiffe://corp/worker"), ("san-dns", "worker.corp"), ("subject-cn", "worker"),
        ])
    func certificates(kind: String, name: String) throws {
        let authority = try TestAuthority()
        for client in ["hub", "worker", "stranger"] {
            var request = TestAuthority.Request(client)
            request.alternativeNames = "DNS:localhost,DNS:\(client).corp,URI:spiffe://corp/\(client),IP:127.0.0.1"
            try authority.issue(request)
        }
        let listener = """
            {address: "127.0.0.1:0", tls: {certificate: \(authority.path("hub.pem")), key: \(authority.path("hub.key")), \
            client-ca: \(authority.certificatePath), require-client: false, principal-from: \(kind)}}
            """
        func principals(_ name: String) -> String { "worker: {certificate: \"\(name)\", allow: {send: [jobs]}}" }
        let (daemon, file) = try start(listener, principals(name))
        let port = try #require(daemon.readyLines[1].split(separator: ":").last)
        func connect(as client: String) throws -> Program {
            try Program(
                "/usr/bin/env",
                [
                    "openssl", "s_client", "-quiet", "-connect", "127.0.0.1:\(port)", "-CAfile",
                    authority.certificatePath,
                    "-cert", authority.path("\(client).pem"), "-key", authority.path("\(client).key"),
                ])
        }
        let worker = try connect(as: "worker")
        try worker.say("SEND secrets x\nSEND timeout=0 jobs x\n")
        #expect(try worker.line() == "ERR denied this client has no permission for SEND secrets")
        #expect(try worker.line()?.hasPrefix("TIMEOUT") == true)
        let stranger = try connect(as: "stranger")
        try stranger.say("SEND timeout=0 jobs x\n")
        #expect(try stranger.line()?.hasPrefix("ERR auth-required ") == true)
        try reload(daemon, file, configuration(listener, principals("other")))
        #expect(try worker.line()?.hasPrefix("ERR denied the principal of this connection was removed") == true)
        #expect(try worker.line() == nil)
    }

    @Test(
        "A listener cannot identify clients as principals that do not exist",
        arguments: [
            (
                "{address: \"unix:/s\", user-principals: {root: ops}}", "worker: {certificate: a}",
                "user-principals: there is no principal \"ops\""
            ),
            (
                "{address: \"a:1\", tls: {certificate: a, key: b, client-ca: c, principal-from: san-uri}}", nil,
                "tls: principal-from needs principals; set principals-file"
            ),
        ])
    func missingPrincipals(listener: String, principals: String?, problem: String) throws {
        let file = TemporaryFile(
            "sluiced.yaml",
            containing: "listen: [\(listener)]\n" + (principals.map { "principals:\n  \($0)\n" } ?? ""))
        chmod(file.path, 0o600)
        let program = try Daemon.start(["--config", file.path, "--check-config"])
        #expect(try program.status() == 78)
        #expect(try program.errorOutput() == "sluiced: \(file.path):1: listen: \(problem)\n")
    }
}
