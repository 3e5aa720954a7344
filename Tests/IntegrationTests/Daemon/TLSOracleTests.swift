import Foundation
import TestSupport
import Testing

/// TLS between the programs and others that implement it: `sslscan` as a client, and `openssl s_server` as a server.
@Suite(.serialized, .bounded) struct TLSOracleTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority(issuing: "hub")
    }

    @Test("sslscan finds nothing")
    func scan() throws {
        let file = TemporaryFile(
            "sluiced.yaml",
            containing: """
                listen:
                  - 127.0.0.1:0
                  - address: 127.0.0.1:0
                    tls: {certificate: \(authority.path("hub.pem")), key: \(authority.path("hub.key"))}

                """)
        let daemon = try Daemon(["--config", file.path], listeners: 2)
        let port = try #require(daemon.readyLines[1].split(separator: ":").last)
        let scan = try Program("/usr/bin/env", ["sslscan", "--no-colour", "127.0.0.1:\(port)"])
        let report = try scan.rest()
        #expect(try scan.status() == 0)
        let words = report.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        for version in ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"] {
            #expect(words.contains("\(version) disabled"), "\(report)")
        }
        for version in ["TLSv1.2", "TLSv1.3"] { #expect(words.contains("\(version) enabled"), "\(report)") }
        #expect(!words.contains("Compression enabled"), "\(report)")
        #expect(words.contains("Session renegotiation not supported"), "\(report)")
        #expect(words.contains("Server supports TLS Fallback SCSV"), "\(report)")
        #expect(words.contains { $0.hasSuffix("not vulnerable to heartbleed") })
        #expect(!words.contains { $0.contains("vulnerable to") && !$0.contains("not vulnerable to") }, "\(report)")
        // Every cipher has forward secrecy and authenticates its records.
        let ciphers = words.filter { $0.hasPrefix("Preferred ") || $0.hasPrefix("Accepted ") }
        #expect(!ciphers.isEmpty)
        for cipher in ciphers {
            let hasSecrecy = cipher.contains("TLSv1.3") || cipher.contains("ECDHE-")
            #expect(hasSecrecy && (cipher.contains("GCM") || cipher.contains("CHACHA20")), "\(cipher)")
        }
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("sluice speaks with openssl s_server, with TLS 1.2 and 1.3", arguments: ["-tls1_2", "-tls1_3"])
    func opensslServer(version: String) throws {
        let server = try Program(
            "/usr/bin/env",
            [
                "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", authority.path("hub.pem"), "-key",
                authority.path("hub.key"), version,
            ])
        var port: Substring?
        while let line = try server.line() {
            guard line.hasPrefix("ACCEPT ") else { continue }
            port = line.split(separator: ":").last
            break
        }
        let daemon = try Daemon()
        let ping = try daemon.sluice([
            "ping", "-H", "sluices://127.0.0.1:\(try #require(port))", "--ca", authority.certificatePath,
        ])
        // The server prints what it receives, and sends what it is told.
        while let line = try server.line() {
            if line == "QUIT" { break }
            guard line.hasSuffix("PING") || line.hasSuffix("HELLO") || line.contains("HELLO ") else { continue }
            let tag = line.hasPrefix("#") ? "\(line.split(separator: " ")[0]) " : ""
            let greeting =
                line.contains("HELLO")
                ? " version=1 epoch=1 max-line=8192 max-body=1048576 max-arms=64 max-tags=64" : ""
            try server.say("\(tag)OK\(greeting)\n")
        }
        let errors = try ping.errorOutput()
        #expect(try ping.status() == 0, "\(errors)")
        server.send(signal: SIGKILL)
        try daemon.expectEnd(after: SIGTERM)
    }
}
