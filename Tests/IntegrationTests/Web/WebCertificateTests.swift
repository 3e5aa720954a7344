import Foundation
import TestSupport
import Testing

/// HTTP clients whose certificate proves their principal.
@Suite(.bounded) struct WebCertificateTests {
    @Test("A client's certificate is its principal, unless the request has credentials")
    func certificates() throws {
        let authority = try TestAuthority()
        for client in ["hub", "worker", "other"] {
            var request = TestAuthority.Request(client)
            request.alternativeNames = "DNS:localhost,URI:spiffe://corp/\(client),IP:127.0.0.1"
            try authority.issue(request)
        }
        let file = TemporaryFile(
            "sluiced.yaml",
            containing: """
                listen: 127.0.0.1:0
                web: {address: "127.0.0.1:0", tls: {certificate: \(authority.path("hub.pem")), \
                key: \(authority.path("hub.key")), client-ca: \(authority.certificatePath), require-client: false, \
                principal-from: san-uri}}
                principals:
                  worker: {certificate: "spiffe://corp/worker", allow: {send: [jobs], recv: [jobs]}}
                  # hidden
                  ops: {tokens: ["sha256:e564b4081d7a9ea4b00dada53bdae70c99b87b6fce869f0c3dd4d2bfa1e53e1c"], allow: {send: [orders]}}

                """)
        chmod(file.path, 0o600)
        let daemon = try Daemon(["--config", file.path], listeners: 2)
        let port = try #require(daemon.readyLines[1].split(separator: ":").last)
        func curl(as client: String?, _ arguments: String...) throws -> String {
            let certificate = client.map {
                ["--cert", authority.path("\($0).pem"), "--key", authority.path("\($0).key")]
            }
            let paths = arguments.map { $0.hasPrefix("/") ? "https://localhost:\(port)\($0)" : $0 }
            return try Program(
                "/usr/bin/env",
                ["curl", "-sS", "-4", "-o", "/dev/null", "-w", "%{http_code} ", "--cacert", authority.certificatePath]
                    + (certificate ?? []) + paths
            ).rest()
        }
        #expect(try curl(as: "worker", "-d", "x", "/c/jobs?timeout=0") == "408 ")
        #expect(try curl(as: "worker", "-d", "x", "/c/orders?timeout=0") == "403 ")
        #expect(try curl(as: "worker", "-d", "x", "-u", "ops:hidden", "/c/orders?timeout=0") == "408 ")
        #expect(try curl(as: "other", "-d", "x", "/c/jobs?timeout=0") == "401 ")
        #expect(try curl(as: nil, "-d", "x", "/c/jobs?timeout=0") == "401 ")
        // Several requests over one connection, with and without credentials.
        let reject = ["-d", "x", "-o", "/dev/null", "-w", "%{http_code} "]
        let next = ["--next", "-sS", "-4", "--cacert", authority.certificatePath]
        let identity = ["--cert", authority.path("worker.pem"), "--key", authority.path("worker.key")]
        let jobs = "https://localhost:\(port)/c/jobs?timeout=0"
        let orders = "https://localhost:\(port)/c/orders?timeout=0"
        let program = try Program(
            "/usr/bin/env",
            ["curl", "-sS", "-4", "--cacert", authority.certificatePath] + identity + reject + [jobs] + next + identity
                + reject + ["-u", "ops:hidden", orders] + next + identity + reject + [jobs])
        #expect(try program.rest() == "408 408 408 ")
    }
}
