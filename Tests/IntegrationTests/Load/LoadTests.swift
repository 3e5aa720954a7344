import Foundation
import SluiceRuntime
import Synchronization
import TestSupport
import Testing

/// Runs the load tester against the daemon, and against servers that misbehave.
@Suite("sluice-load", .serialized, .bounded)
struct LoadTests {
    private func load(_ arguments: [String], path: String? = nil) throws -> Program {
        let directory = try URL(
            fileURLWithPath: FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        ).deletingLastPathComponent()
        return try Program(
            directory.appendingPathComponent("sluice-load").path, arguments,
            environment: path.map { ["PATH": $0] } ?? [:])
    }

    private func expectSuccess(_ program: Program, location: SourceLocation = #_sourceLocation) throws {
        let errors = try program.errorOutput()
        #expect(try program.status() == 0, "\(errors)", sourceLocation: location)
    }

    /// Returns the first run of a report.
    private func run(of report: String) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any]
        return try #require((object?["runs"] as? [[String: Any]])?.first)
    }

    @Test(
        "Each workload runs the number of operations that was asked for",
        arguments: [
            ["handoff", "--pairs", "5"], ["handoff", "--pairs", "5", "--channels", "shared", "--threads", "2"],
            ["handoff", "--pairs", "3", "--depth", "8"], ["handoff", "--pairs", "2", "--body", "65536"],
            ["handoff", "--pairs", "2", "--rate", "20000"], ["lease", "--pairs", "5", "--depth", "4"],
            ["call", "--pairs", "5"], ["call", "--pairs", "3", "--depth", "4"],
            ["worker", "--pairs", "5"], ["worker", "--pairs", "4", "--channels", "shared", "--depth", "3"],
            ["stream"], ["stream", "--pairs", "3", "--threads", "3"], ["select", "--receivers", "3", "--arms", "4"],
            ["fan-in", "--senders", "7"], ["fan-out", "--receivers", "7", "--depth", "5"],
            ["broadcast", "--receivers", "5", "--depth", "3"], ["broadcast", "--receivers", "4", "--threads", "2"],
            ["ping", "--connections", "3"], ["barrier", "--connections", "5"], ["connect", "--connections", "4"],
        ])
    func workloads(arguments: [String]) throws {
        let daemon = try Daemon()
        let program = try load(
            arguments + ["--hub", "127.0.0.1:\(try daemon.port)", "--operations", "200", "--json", "-"])
        let report = try program.rest()
        try expectSuccess(program)
        let run = try run(of: report)
        let operations = try #require(run["operations"] as? Int)
        // Parties of a barrier go on until all have met.
        #expect(arguments.first == "barrier" ? operations >= 200 && operations.isMultiple(of: 5) : operations == 200)
        let latency = try #require(run["latency"] as? [String: Any])
        #expect(latency["count"] as? Int == operations)
        #expect(run["serverSeconds"] != nil)
    }

    @Test("A soak passes beside clients that disconnect")
    func soak() throws {
        let daemon = try Daemon()
        let program = try load([
            "soak", "--hub", "127.0.0.1:\(try daemon.port)", "--episodes", "6", "--operations", "300", "--json", "-",
        ])
        let report = try program.rest()
        try expectSuccess(program)
        #expect(try #require(try run(of: report)["operations"] as? Int) >= 1800)
    }

    @Test("Messages are measured beside a crowd of parked receives")
    func crowd() throws {
        let daemon = try Daemon()
        let program = try load([
            "crowd", "--hub", "127.0.0.1:\(try daemon.port)", "--parked", "3000", "--channels", "100", "--operations",
            "300", "--json", "-",
        ])
        let report = try program.rest()
        try expectSuccess(program)
        #expect(report.contains("bytes a parked receive"))
    }

    // MARK: Servers that misbehave

    /// Runs against a server that answers pings as Sluice does, and other lines with what `answer` returns.
    private func expectFailure(
        _ message: String, _ arguments: [String], answer: @escaping @Sendable (String) -> String
    ) throws {
        let server = try LyingServer { $0 == "PING" ? "OK\n" : answer($0) }
        let program = try load(
            arguments + ["--hub", "127.0.0.1:\(server.port)", "--operations", "10", "--threads", "1", "--json", "-"])
        defer { withExtendedLifetime(server) {} }
        let errors = try program.errorOutput()
        #expect(errors.hasPrefix("sluice-load: "))
        #expect(errors.contains(message), "\(errors)")
        #expect(try program.rest().isEmpty)
        #expect(try program.status() == 1)
    }

    @Test("A rejected send fails the run")
    func refusal() throws {
        try expectFailure("ERR limit", ["fan-in", "--senders", "1"]) {
            $0.hasPrefix("SEND") ? "ERR limit there are too many\n" : ""
        }
    }

    @Test("A message that was never sent fails the run")
    func invention() throws {
        try expectFailure("a message of this run", ["fan-in", "--senders", "1"]) { line in
            guard line.hasPrefix("RECV"), let channel = line.split(separator: " ").last else { return "" }
            return "MSG \(channel) 16\n0123456789abcdef\n"
        }
    }

    /// Runs against a server that answers each `RECV` with what `spoil` returns.
    ///
    /// - Parameter spoil: called with the number of the `RECV`, from 0, and the bodies that were sent.
    private func expectFailure(_ message: String, spoil: @escaping @Sendable (Int, Spool) -> String) throws {
        let spool = Spool()
        let received = Lock(0)
        try expectFailure(message, ["fan-in", "--senders", "1", "--patience", "300ms"]) { line in
            let words = line.split(separator: " ")
            if words.first == "SEND" {
                spool.put(String(words[2]))
                return "OK\n"
            }
            let number = received.withLock { received in
                defer { received += 1 }
                return received
            }
            return "MSG \(words[1]) 16\n\(spoil(number, spool))\n"
        }
    }

    @Test("A duplicated message fails the run")
    func doubled() throws {
        let last = Lock("")
        try expectFailure("arrived after its message") { number, spool in
            if number != 3 {
                return last.withLock { last in
                    last = spool.take()
                    return last
                }
            }
            return last.withLock { $0 }
        }
    }

    @Test("A lost message fails the run")
    func lost() throws {
        try expectFailure("10 messages were sent, 9 have arrived") { number, spool in
            if number == 3 { _ = spool.take() }
            return spool.take()
        }
    }

    @Test("A reordered message fails the run")
    func reordered() throws {
        let held = Lock("")
        try expectFailure("arrived after its message") { number, spool in
            if number == 3 { held.withLock { $0 = spool.take() } }
            return number == 4 ? held.withLock { $0 } : spool.take()
        }
    }

    @Test("A changed message fails the run")
    func corrupted() throws {
        try expectFailure("a message of this run") { number, spool in
            let body = spool.take()
            return number == 3 ? body.dropLast() + (body.last == "x" ? "y" : "x") : body
        }
    }

    @Test("An answer without a request fails the run")
    func twice() throws {
        try expectFailure("has not sent", ["fan-in", "--senders", "1"]) {
            $0.hasPrefix("SEND") ? "OK\nOK\n" : ""
        }
    }

    @Test("An unreachable server fails the run")
    func unreachable() throws {
        let program = try load(["ping", "--hub", "unix:\(temporaryPath("nobody"))", "--operations", "10"])
        #expect(try program.errorOutput().contains("cannot connect"))
        #expect(try program.status() == 1)
    }

    @Test("The suite runs every workload")
    func suite() throws {
        let daemon = try Daemon()
        let program = try load(["suite", "--hub", "127.0.0.1:\(try daemon.port)", "--operations", "100", "--json", "-"])
        let report = try program.rest()
        try expectSuccess(program)
        let object = try JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any]
        #expect((object?["runs"] as? [Any])?.count == 13)
    }

    // MARK: Comparisons

    @Test("A comparison leaves out missing servers and names them")
    func missingPeers() throws {
        let program = try load(
            [
                "compare", "--rounds", "1", "--duration", "50ms", "--only", "ping", "unix", "worker", "--json", "-",
            ], path: "/nonexistent")
        let report = try program.rest()
        try expectSuccess(program)
        let object = try JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any]
        let comparison = try #require(object?["comparison"] as? [String: Any])
        let missing = try #require(comparison["missing"] as? [[String: String]])
        #expect(missing.compactMap { $0["key"] } == ["redis", "nats", "beanstalkd"])
        let rows = try #require(comparison["rows"] as? [[String: Any]])
        #expect(rows.count == 3)
        for row in rows {
            let entries = try #require(row["entries"] as? [[String: Any]])
            #expect(entries.map { $0["contender"] as? String } == ["sluiced"])
        }
    }
}
