import Foundation
import TestSupport
import Testing

/// Ends the daemon under `sluice`, and starts another one at the same address.
@Suite("Commands that outlive their hub", .serialized, .bounded) struct RestartTests {
    /// A command that runs until it is stopped, and what makes it print a line.
    struct Lasting: Sendable, CustomTestStringConvertible {
        let name: String
        let arguments: [String]
        /// A script that makes the command print the line `x`, or a line that contains it.
        let trigger: String
        /// How many of its operations wait at the hub.
        let parked: Int

        var testDescription: String { name }
    }

    private static let commands = [
        Lasting(name: "recv -f", arguments: ["recv", "-f", "jobs"], trigger: "sluice send jobs x", parked: 2),
        Lasting(
            name: "recv -f --ack", arguments: ["recv", "-f", "--ack", "jobs"], trigger: "sluice send jobs x", parked: 2),
        Lasting(
            name: "recv --exec", arguments: ["recv", "jobs", "--exec", "cat; echo"], trigger: "sluice send jobs x",
            parked: 1),
        Lasting(
            name: "trace", arguments: ["trace", "jobs"], trigger: "sluice send jobs x & sluice recv jobs > /dev/null",
            parked: 1),
    ]

    private func restart(_ daemon: Daemon, after signal: Int32) throws -> Daemon {
        let address = "127.0.0.1:\(try daemon.port)"
        try daemon.expectEnd(after: signal, status: signal == SIGTERM ? 0 : -signal)
        return try Daemon(["--listen", address])
    }

    @Test("They go on with the next hub at the address", arguments: commands, [SIGTERM, SIGKILL])
    func theyGoOn(command: Lasting, signal: Int32) throws {
        var daemon = try Daemon()
        let program = try daemon.sluice(command.arguments)
        for _ in 0..<2 {
            try daemon.waitUntilParked(command.parked)
            daemon = try restart(daemon, after: signal)
            try daemon.waitUntilParked(command.parked)
            try daemon.expect("", of: command.trigger)
            let line = try #require(try program.line())
            #expect(line == "x" || line.contains("jobs"), "\(line)")
        }
        let lost = try #require(try program.errorLine())
        let address = "127.0.0.1:\(try daemon.port)"
        #expect(lost.hasPrefix("sluice: ") && lost.hasSuffix("connecting to \(address) again"))
        #expect(try program.errorLine() == "sluice: connected to \(address) again")
        program.send(signal: SIGTERM)
        #expect(try program.status() == -SIGTERM)
    }

    @Test("With --no-reconnect they end with 1", arguments: commands, [SIGTERM, SIGKILL])
    func theyEndOnRequest(command: Lasting, signal: Int32) throws {
        let daemon = try Daemon()
        let program = try daemon.sluice(command.arguments + ["--no-reconnect"])
        try daemon.waitUntilParked(command.parked)
        try daemon.expectEnd(after: signal, status: signal == SIGTERM ? 0 : -signal)
        #expect(try program.errorOutput().hasPrefix("sluice: "))
        #expect(try program.status() == 1)
    }

    @Test(
        "A signal ends them while they connect again",
        arguments: [
            ["recv", "-f", "jobs"], ["recv", "jobs", "--exec", "cat"], ["trace"], ["pipe", "a", "b"],
            ["lock", "db", "--", "true"],
        ], [SIGTERM, SIGINT])
    func aSignalEndsThemWithoutAHub(arguments: [String], signal: Int32) throws {
        let daemon = try Daemon()
        let holder = try daemon.sluice("lock", "db", "--", "sh", "-c", "echo held; exec sleep 1000")
        #expect(try holder.line() == "held")
        let program = try daemon.sluice(arguments)
        // The offer of the lock, and what the command waits for.
        try daemon.waitUntilParked(arguments[0] == "trace" || arguments.contains("--exec") ? 2 : 3)
        try daemon.expectEnd(after: SIGKILL, status: -SIGKILL)
        let lost = try #require(try program.errorLine())
        #expect(lost.hasSuffix(" again"))
        program.send(signal: signal)
        #expect(try program.status() == -signal)
        #expect(try holder.status() == 5)
    }

    @Test("pipe goes on when either hub is restarted", arguments: [SIGTERM, SIGKILL])
    func pipeGoesOn(signal: Int32) throws {
        var (source, destination) = (try Daemon(), try Daemon())
        let pipe = try source.sluice("pipe", "a", "b", "--to", "127.0.0.1:\(try destination.port)")
        // Two counted receives wait for messages.
        try source.waitUntilParked(2)
        source = try restart(source, after: signal)
        try source.waitUntilParked(2)
        let first = try source.sluice("send", "a", "first")
        try destination.expect("first\n", of: "sluice recv b")
        #expect(try first.status() == 0)
        // A message waits at the second hub when that ends. It comes again.
        let second = try source.shell("for i in 1 2 3; do echo $i; done | sluice send a")
        try destination.waitUntilParked(3)
        destination = try restart(destination, after: signal)
        try destination.expect("1\n2\n3\n", of: "sluice recv -n 3 b")
        #expect(try second.status() == 0)
        try source.expect(status: 0, of: "close", "a")
        #expect(try pipe.status() == 0)
    }

    @Test("lock waits on for the lock at the next hub", arguments: [SIGTERM, SIGKILL])
    func lockWaitsOn(signal: Int32) throws {
        var daemon = try Daemon()
        let holder = try daemon.sluice("lock", "db", "--", "sh", "-c", "echo held; exec sleep 1000")
        #expect(try holder.line() == "held")
        let waiting = try daemon.sluice("lock", "db", "--", "echo", "now")
        // The two offers of the token, and the wait for it.
        try daemon.waitUntilParked(3)
        if signal == SIGTERM {
            // A hub that drains waits for the holder.
            let observer = try LineSocket(port: daemon.port)
            try observer.send(Array("#w recv nothing\n".utf8))
            try daemon.waitUntilParked(4)
            daemon.program.send(signal: SIGTERM)
            #expect(try observer.line() == "#w CANCELLED draining")
            observer.close()
            holder.send(signal: SIGTERM)
            #expect(try holder.status() == 128 + SIGTERM)
            #expect(try daemon.program.status() == 0)
            daemon = try Daemon(["--listen", "127.0.0.1:\(try daemon.port)"])
        } else {
            daemon = try restart(daemon, after: signal)
            #expect(try holder.status() == 5)
        }
        #expect(try waiting.rest() == "now\n")
        #expect(try waiting.status() == 0)
    }

    @Test("After a restart, no more commands run at a time than --parallel allows")
    func parallelHoldsOverARestart() throws {
        var daemon = try Daemon()
        // The command of the lost message ignores SIGTERM, so that it still runs when the next message comes.
        let worker = try daemon.sluice(
            "recv", "jobs", "--exec",
            "trap '' TERM; read -r line; echo begin $line; while [ -e $line ]; do sleep 0.01; done; echo end $line")
        let (first, second) = (TemporaryFile("first", containing: ""), TemporaryFile("second", containing: ""))
        let lost = try daemon.shell("echo \(first.path) | sluice send jobs")
        #expect(try worker.line() == "begin \(first.path)")
        daemon = try restart(daemon, after: SIGKILL)
        #expect(try lost.status() == 5)
        let next = try daemon.shell("echo \(second.path) | sluice send jobs")
        // The message is on its way to the worker, which has no place for it.
        try daemon.waitUntilParked(1)
        try FileManager.default.removeItem(atPath: first.path)
        #expect(try worker.line() == "end \(first.path)")
        #expect(try worker.line() == "begin \(second.path)")
        try FileManager.default.removeItem(atPath: second.path)
        #expect(try next.status() == 0)
        worker.send(signal: SIGTERM)
        #expect(try worker.status() == -SIGTERM)
    }
}
