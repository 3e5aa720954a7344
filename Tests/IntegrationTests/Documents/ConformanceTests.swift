import Foundation
import TestSupport
import Testing

/// Runs the conformance kit of the Python client, whose own tests show that it finds wrong clients and servers.
@Suite(.serialized, .bounded) struct ConformanceTests {
    private func failures(_ arguments: String...) throws -> [String] {
        let kit = try Program(
            "/usr/bin/env", ["python3", "-m", "sluice.conformance"] + arguments + ["--patience", "30"],
            environment: [
                "PYTHONPATH": Document.root.appendingPathComponent("python/src").path, "PYTHONDONTWRITEBYTECODE": "1",
            ])
        let lines = try kit.rest().split(separator: "\n").map(String.init)
        let errors = try kit.errorOutput()
        #expect(try kit.status() == 0, "\(errors)")
        #expect(lines.last?.wholeMatch(of: #/conformance: \d\d+ passed, 0 failed, 0 skipped/#) != nil)
        return lines.filter { !$0.hasPrefix("ok") }.dropLast()
    }

    @Test("The client library passes every case of the conformance kit")
    func clientLibraryPasses() throws {
        let adapter = try Daemon.builtProgram("conformance-adapter")
        #expect(try failures("client", adapter) == [])
    }

    @Test("The daemon passes every transcript of the conformance kit")
    func daemonPasses() throws {
        let daemon = try Daemon.builtProgram("sluiced")
        #expect(try failures("server", "--start", "\(daemon) --listen 127.0.0.1:0 --log-level error") == [])
    }
}
