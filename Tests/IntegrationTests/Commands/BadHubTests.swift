import Foundation
import SluiceRuntime
import TestSupport
import Testing

/// Every command of `sluice`, with every kind of hub that does not answer as it should.
@Suite("Commands at hubs that are frozen, gone, or something else", .serialized, .bounded) struct BadHubTests {
    /// Commands that wait for nothing but the hub's answer.
    private static let brief: [[String]] = [
        ["ping"], ["info"], ["channels"], ["waiters"], ["clients"], ["stuck"], ["open", "a"], ["close", "b"],
        ["poison", "c"], ["barrier", "-n", "1", "d"], ["recv", "--timeout", "0", "e"],
        ["send", "--timeout", "0", "f", "x"],
        ["select", "recv", "g", ",", "else"], ["dead", "list"], ["dead", "show", "h"], ["dead", "redrive", "i"],
    ]

    /// Commands that wait at the hub, and how many operations each of them has there.
    private static let lasting: [([String], parked: Int)] = [
        (["recv", "a"], 1), (["recv", "--timeout", "1s", "b"], 1), (["recv", "-f", "--no-reconnect", "c"], 2),
        (["recv", "--ack", "d"], 1), (["recv", "--no-reconnect", "e", "--exec", "cat"], 1), (["send", "f", "x"], 1),
        (["send", "--timeout", "1s", "g", "x"], 1), (["send", "--id", "1", "h", "x"], 1),
        (["select", "recv", "i", ",", "send", "j", "x"], 1), (["select", "--timeout", "1s", "recv", "k"], 1),
        (["barrier", "-n", "2", "l"], 1), (["barrier", "--timeout", "1s", "-n", "2", "m"], 1),
        (["lock", "--no-reconnect", "held", "--", "true"], 2), (["pipe", "--no-reconnect", "o", "p"], 2),
        (["trace", "--no-reconnect"], 1),
    ]

    private func start(
        _ arguments: [String], at address: String, _ daemon: Daemon, patience: String = "300ms"
    ) throws -> Program {
        // Before the arguments that belong to the command of a lock or to the arms of a select.
        let words = arguments[0] == "dead" ? 2 : 1
        return try daemon.sluice(
            arguments.prefix(words) + ["-H", address, "--patience", patience] + arguments.dropFirst(words))
    }

    /// Checks that each program ends with an error on one line.
    private func expectErrors(
        _ programs: [(arguments: [String], program: Program)], containing text: String = "",
        _ statuses: Set<Int32> = [1, 5]
    ) throws {
        for (arguments, program) in programs {
            let errors = try program.errorOutput()
            let status = try program.status()
            #expect(statuses.contains(status), "\(arguments): \(status) \(errors)")
            #expect(errors.hasPrefix("sluice: ") && (text.isEmpty || errors.contains(text)), "\(arguments): \(errors)")
            #expect(errors.count { $0.isNewline } == 1, "\(arguments): \(errors)")
        }
    }

    @Test("A hub that is frozen when they connect ends all commands")
    func frozenBefore() throws {
        let daemon = try Daemon()
        daemon.program.send(signal: SIGSTOP)
        defer { daemon.program.send(signal: SIGCONT) }
        let address = "127.0.0.1:\(try daemon.port)"
        let programs = try (Self.brief + Self.lasting.map(\.0)).map { ($0, try start($0, at: address, daemon)) }
        try expectErrors(programs, containing: "\(address) does not answer", [1])
    }

    @Test("A hub that freezes, drains or dies ends all commands that wait", arguments: [SIGSTOP, SIGTERM, SIGKILL])
    func whileTheyWait(signal: Int32) throws {
        let daemon = try Daemon()
        let address = "127.0.0.1:\(try daemon.port)"
        let holder = try daemon.sluice("lock", "held", "--", "sh", "-c", "echo held; read -r line")
        #expect(try holder.line() == "held")
        let programs = try Self.lasting.map { ($0.0, try start($0.0, at: address, daemon)) }
        // Besides the offer of the lock that is held, and the receive that tells of the drain.
        let count = Self.lasting.reduce(2) { $0 + $1.parked }
        let observer = try LineSocket(port: daemon.port)
        try observer.send(Array("#drain recv nothing\n".utf8))
        // A time that runs out before the hub is stopped is as good.
        try daemon.waitUntilParked(count, orEnded: programs.filter { $0.0.contains("--timeout") }.map(\.1))
        daemon.program.send(signal: signal)
        if signal == SIGTERM { #expect(try observer.line() == "#drain CANCELLED draining") }
        // A hub that drains would wait for the end of the lease.
        try holder.closeInput()
        defer { daemon.program.send(signal: SIGCONT) }
        try expectErrors(programs, [1, 3, 5])
    }

    @Test("A signal ends all commands at a hub that is frozen", arguments: [SIGTERM, SIGINT])
    func aSignalEndsThem(signal: Int32) throws {
        let daemon = try Daemon()
        let holder = try daemon.sluice("lock", "held", "--", "sh", "-c", "echo held; read -r line")
        #expect(try holder.line() == "held")
        // With the patience of an hour, nothing but the signal ends them.
        let commands = Self.lasting.filter { !$0.0.contains("--timeout") }
        let programs = try commands.map { arguments, _ in
            let words = arguments.filter { $0 != "--no-reconnect" }
            return (words, try daemon.sluice(words.prefix(1) + ["--patience", "1h"] + words.dropFirst()))
        }
        // Runs on a terminal.
        let top = try daemon.terminal("echo $$; exec sluice top --patience 1h")
        let topProcess = try #require(try top.line().flatMap { Int32($0.filter { !$0.isWhitespace }) })
        // Besides the offer of the lock that is held, the trace of top.
        try daemon.waitUntilParked(commands.reduce(2) { $0 + $1.parked })
        daemon.program.send(signal: SIGSTOP)
        defer { daemon.program.send(signal: SIGCONT) }
        for (_, program) in programs { program.send(signal: signal) }
        kill(topProcess, signal)
        for (arguments, program) in programs { #expect(try program.status() == -signal, "\(arguments)") }
        #expect(try top.status() == 128 + signal)
        // A program is not known to have ended before its command has.
        try holder.closeInput()
        _ = try holder.status()
    }

    @Test("A lock is lost when its hub freezes, and its command is stopped")
    func aHeldLockIsLost() throws {
        let daemon = try Daemon()
        // The lease is not renewed before the connection is lost.
        let holder = try daemon.sluice(
            "lock", "--patience", "300ms", "--lease", "1h", "db", "--", "sh", "-c",
            "trap 'echo stopped; exit 0' TERM; echo held; while :; do sleep 0.01; done")
        #expect(try holder.line() == "held")
        daemon.program.send(signal: SIGSTOP)
        defer { daemon.program.send(signal: SIGCONT) }
        #expect(try holder.rest() == "stopped\n")
        #expect(try holder.status() == 5)
    }

    @Test("A listener that never accepts ends all commands")
    func neverAccepts() throws {
        let daemon = try Daemon()
        let reactor = try Reactor(name: "never accepts")
        let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
        let address = "\(listener.localAddress)"
        let programs = try (Self.brief + Self.lasting.map(\.0)).map { ($0, try start($0, at: address, daemon)) }
        try expectErrors(programs, containing: "\(address) does not answer", [1])
        listener.close()
    }

    @Test(
        "Something that is not a hub ends all commands",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "-ERR unknown command\r\n",
        ])
    func somethingElse(opening: String) throws {
        let daemon = try Daemon()
        let reactor = try Reactor(name: "impostor")
        try reactor.start()
        defer { reactor.stop() }
        let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
        reactor.spawn("impostor") {
            while true {
                let stream = try await listener.accept()
                try await stream.write(opening.utf8)
            }
        }
        let address = "\(listener.localAddress)"
        let programs = try (Self.brief + Self.lasting.map(\.0)).map {
            ($0, try start($0, at: address, daemon, patience: "1m"))
        }
        try expectErrors(programs, containing: "is not a Sluice server", [1])
    }

    @Test("A host name with several addresses, and a scheme, lead to the hub")
    func everyAddress() throws {
        let daemon = try Daemon()
        let port = try daemon.port
        for address in ["localhost:\(port)", "tcp://127.0.0.1:\(port)", "sluice://localhost:\(port)/"] {
            let ping = try daemon.sluice("ping", "-H", address)
            #expect(try ping.rest().hasPrefix("\(address) answers in"))
            #expect(try ping.status() == 0)
        }
        let scheme = try Daemon(["--listen", "tcp://127.0.0.1:0"])
        try scheme.expect(status: 0, of: "ping")
    }

    @Test(
        "At a hub with users, commands say what to set", arguments: [["ping"], ["recv", "-f", "--label", "x", "jobs"]])
    func missingCredentials(command: [String]) throws {
        let users = TemporaryFile("users", containing: "alice s3cret\n")
        let daemon = try Daemon(environment: ["SLUICED_USERS_FILE": users.path])
        let program = try daemon.sluice(command)
        #expect(
            try program.errorOutput()
                == "sluice: 127.0.0.1:\(try daemon.port) requires authentication: set SLUICE_PRINCIPAL and SLUICE_TOKEN\n"
        )
        #expect(try program.status() == 7)
        try daemon.expect(
            "7\n0\n",
            of: """
                export SLUICE_PRINCIPAL=alice
                SLUICE_TOKEN=guess sluice ping 2> /dev/null; echo $?
                SLUICE_TOKEN=s3cret sluice ping > /dev/null; echo $?
                """)
    }
}
