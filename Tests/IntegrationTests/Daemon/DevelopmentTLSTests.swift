import Foundation
import TestSupport
import Testing

/// `sluiced --dev-tls`.
@Suite(.serialized, .bounded) struct DevelopmentTLSTests {
    @Test("The daemon makes a certificate, prints how clients connect, and removes the files at its end")
    func throwAwayCertificate() throws {
        let daemon = try Daemon(["--listen", "127.0.0.1:0", "--dev-tls"], listeners: 2)
        #expect(daemon.readyLines[0].hasPrefix("ready tls=127.0.0.1:"))
        let words = daemon.readyLines[1].split(separator: " ").map(String.init)
        #expect(words.prefix(4) == ["try", "sluice", "ping", "--hub"])
        #expect(try Daemon.sluice(Array(words.dropFirst(2))).status() == 0)
        let authority = try #require(words.firstIndex(of: "--ca").map { words[$0 + 1] })
        let directory = String(authority.dropLast("/ca.pem".count))
        var status = stat()
        #expect(stat(directory, &status) == 0 && status.st_mode & 0o777 == 0o700)
        // Clients that trust others do not connect.
        #expect(try Daemon.sluice(["ping", "--hub", words[4]]).status() == 1)
        // The certificate is also for the name localhost.
        let named = words[4].replacing("127.0.0.1", with: "localhost")
        #expect(try Daemon.sluice(["ping", "--hub", named, "--ca", authority]).status() == 0)
        daemon.program.send(signal: SIGHUP)
        while let line = try daemon.program.errorLine(), !line.contains("configuration reloaded") {
            #expect(!line.contains("not reloaded"))
        }
        try daemon.expectEnd(after: SIGTERM)
        #expect(access(directory, F_OK) != 0)
    }
}
