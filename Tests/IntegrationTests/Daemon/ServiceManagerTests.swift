import Foundation
import TestSupport
import Testing

/// The daemon under a service manager: what it tells it, and the sockets that it gets from it.
@Suite(.serialized, .bounded) struct ServiceManagerTests {
    private static let address = ["--listen", "127.0.0.1:0"]

    // MARK: sd_notify

    @Test(
        "The daemon tells the service manager when it is ready, reads its configuration again, and stops",
        arguments: [temporaryPath("notify.sock"), "@sluice-integration-\(getpid())"])
    func states(notifySocket: String) throws {
        let server = try NotifyServer(at: notifySocket)
        let file = TemporaryFile("sluiced.yaml", containing: "listen: 127.0.0.1:0\nlimits: {drain-seconds: 7}\n")
        let daemon = try Daemon(["--config", file.path], environment: ["NOTIFY_SOCKET": server.address])
        #expect(try server.next() == ["READY=1", "STATUS=serving"])

        daemon.program.send(signal: SIGHUP)
        let reloading = try server.next(with: "RELOADING=1")
        let time = try #require(reloading.first { $0.hasPrefix("MONOTONIC_USEC=") }.flatMap { Int($0.dropFirst(15)) })
        #expect(time > 0)
        #expect(try server.next(with: "READY=1").last == "STATUS=serving; configuration reloaded")

        // A mistake leaves the daemon as it was, and the status says so.
        let handle = try #require(FileHandle(forWritingAtPath: file.path))
        try handle.write(contentsOf: Data("nonsense: 1 # ".utf8))
        daemon.program.send(signal: SIGHUP)
        _ = try server.next(with: "RELOADING=1")
        let status = try server.next(with: "READY=1").last
        #expect(status?.hasPrefix("STATUS=serving; configuration not reloaded: \(file.path):1: ") == true)

        daemon.program.send(signal: SIGTERM)
        let stopping = try server.next(with: "STOPPING=1")
        // The time of the drain, and that after which the process ends by force.
        #expect(stopping.contains("EXTEND_TIMEOUT_USEC=12000000"))
        #expect(try daemon.program.status() == 0)
    }

    @Test("The daemon gives signs of life as often as the service manager expects them")
    func watchdog() throws {
        let server = try NotifyServer(at: temporaryPath("watchdog.sock"))
        let daemon = try Daemon(
            Self.address + ["--reactors", "2"],
            environment: ["NOTIFY_SOCKET": server.address, "WATCHDOG_USEC": "40000"])
        #expect(try server.next().first == "READY=1")
        for _ in 0..<5 { _ = try server.next(with: "WATCHDOG=1") }
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("While the daemon takes up a state and writes one, it asks for more time and gives signs of life")
    func stateTakesTime() throws {
        let server = try NotifyServer(at: temporaryPath("state.sock"))
        let directory = temporaryPath("state-\(UUID())")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let daemon = try Daemon(
            Self.address + ["--state-directory", directory], environment: ["NOTIFY_SOCKET": server.address])
        #expect(try server.next() == ["EXTEND_TIMEOUT_USEC=30000000", "WATCHDOG=1"])
        _ = try server.next(with: "READY=1")
        daemon.program.send(signal: SIGTERM)
        _ = try server.next(with: "STOPPING=1")
        #expect(try server.next(with: "WATCHDOG=1") == ["EXTEND_TIMEOUT_USEC=30000000", "WATCHDOG=1"])
        #expect(try daemon.program.status() == 0)
    }

    @Test("A NOTIFY_SOCKET at which nothing receives keeps the daemon from starting")
    func nothingReceives() throws {
        let program = try Daemon.start(Self.address, environment: ["NOTIFY_SOCKET": temporaryPath("nobody.sock")])
        #expect(try program.status() == 69)
        #expect(try program.errorOutput().hasPrefix("sluiced: NOTIFY_SOCKET: cannot connect to "))
    }

    // MARK: Socket activation

    /// Listens on sockets, and replaces itself by the daemon, which inherits them.
    private func activated(
        _ sockets: [String], names: String? = nil, _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> Program {
        let script = """
            import os, socket, sys
            sockets, names, program = sys.argv[1].split(), sys.argv[2], sys.argv[3:]
            for offset, text in enumerate(sockets):
                kind, _, rest = text.partition("=")
                if kind == "unix":
                    made = socket.socket(socket.AF_UNIX)
                    made.bind(rest)
                elif kind in ("udp", "idle"):
                    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
                    made.bind(("127.0.0.1", 0))
                elif kind == "v6":
                    made = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
                else:
                    made = socket.create_server(("127.0.0.1", 0))
                if kind not in ("udp", "idle"):
                    made.listen()
                os.dup2(made.fileno(), 100 + offset)
            for offset in range(len(sockets)):
                os.dup2(100 + offset, 3 + offset)
                os.close(100 + offset)
            os.environ["LISTEN_PID"] = str(os.getpid())
            os.environ["LISTEN_FDS"] = str(len(sockets))
            if names:
                os.environ["LISTEN_FDNAMES"] = names
            os.execv(program[0], program)
            """
        return try Program(
            "/usr/bin/env",
            ["python3", "-c", script, sockets.joined(separator: " "), names ?? "", Daemon.builtProgram("sluiced")]
                + arguments, environment: environment)
    }

    @Test("The daemon serves the line protocol and HTTP on inherited sockets, and leaves the file of one in its place")
    func inherited() throws {
        let path = temporaryPath("inherited.sock")
        defer { unlink(path) }
        let program = try activated(["tcp", "unix=\(path)", "web"], names: "sluice:local:web")
        let port = try #require(try program.line()?.wholeMatch(of: #/ready tcp=127\.0\.0\.1:(\d+)/#)).1
        #expect(try program.line() == "ready unix=\(path)")
        let webPort = try #require(try program.line()?.wholeMatch(of: #/ready http=127\.0\.0\.1:(\d+)/#)).1
        let (tcp, unix) = (try LineSocket(port: String(port)), try LineSocket(path: path))
        try tcp.send(Array("send x hello\n".utf8))
        #expect(try unix.answer(to: "recv x") == "MSG x 5")
        let web = try LineSocket(port: String(webPort))
        #expect(try web.answer(to: "GET /healthz HTTP/1.0\r\n\r")?.hasPrefix("HTTP/1.1 200") == true)
        program.send(signal: SIGTERM)
        #expect(try program.status() == 0)
        #expect(access(path, F_OK) == 0)
    }

    @Test("An address of the configuration takes the inherited socket that listens there")
    func byAddress() throws {
        let path = temporaryPath("by-address.sock")
        defer { unlink(path) }
        let program = try activated(["unix=\(path)"], ["--listen", "unix:\(path)"])
        #expect(try program.line() == "ready unix=\(path)")
        let client = try LineSocket(path: path)
        #expect(try client.answer(to: "ping") == "OK")
        program.send(signal: SIGTERM)
        #expect(try program.status() == 0)
        #expect(access(path, F_OK) == 0)
    }

    @Test("A client that reaches an inherited IPv6 socket by IPv4 has its IPv4 address")
    func mappedAddresses() throws {
        let program = try activated(["v6"], ["--allow-public", "--listen", "fd:unknown", "--log-level", "debug"])
        let port = try #require(try program.line()?.wholeMatch(of: #/ready tcp=\[::\]:(\d+)/#)).1
        let client = try LineSocket(port: String(port))
        #expect(try client.answer(to: "quit") == "OK")
        while let line = try program.errorLine(), !line.contains("client=\(client.address) ") {
            try #require(!line.contains("connection closed"), "\(line)")
        }
        program.send(signal: SIGTERM)
        #expect(try program.status() == 0)
    }

    @Test(
        "A wrong inherited socket keeps the daemon from starting, and the error says which",
        arguments: [
            ("udp", "a", [], "sluiced: LISTEN_FDS: descriptor 3 (a) is not a stream socket"),
            ("idle", "a", [], "sluiced: LISTEN_FDS: descriptor 3 (a) is a socket that does not listen; "),
            ("tcp", "a:b", [], "sluiced: LISTEN_FDNAMES: it has 2 names, and LISTEN_FDS is 1"),
            ("tcp", "a", ["--listen", "fd:b"], "sluiced: --listen: there is no inherited socket b; "),
            (
                "tcp", "a", ["--listen", "127.0.0.1:0"],
                "sluiced: LISTEN_FDS: neither listen nor web uses the socket a on "
            ),
        ])
    func mistakes(socket: String, names: String, arguments: [String], expected: String) throws {
        let program = try activated([socket], names: names, arguments)
        #expect(try [64, 78].contains(program.status()))
        let error = try program.errorOutput()
        #expect(error.hasPrefix(expected), "\(error)")
    }

    private static let activator = "/usr/bin/systemd-socket-activate"

    @Test(
        "systemd-socket-activate starts the daemon when a client connects, and the client is served",
        .enabled(if: FileManager.default.isExecutableFile(atPath: activator)))
    func systemd() throws {
        let path = temporaryPath("activate.sock")
        defer { unlink(path) }
        let program = try Program(
            Self.activator,
            ["--listen", path, "--fdname", "sluice", Daemon.builtProgram("sluiced"), "--listen", "fd:sluice"])
        try waitUntil { access(path, F_OK) == 0 }
        let client = try LineSocket(path: path)
        #expect(try client.answer(to: "ping") == "OK")
        #expect(try program.line() == "ready unix=\(path)")
        program.send(signal: SIGTERM)
        #expect(try program.status() == 0)
    }

    // MARK: The log

    @Test("Signals show the details of the log, and hide them again")
    func logLevel() throws {
        let daemon = try Daemon()
        let first = __libc_current_sigrtmin()
        for (signal, level) in [(first + 22, "debug"), (first + 23, "info")] {
            daemon.program.send(signal: signal)
            var line = ""
            repeat { line = try #require(try daemon.program.errorLine()) } while !line.hasSuffix("log level changed")
            #expect(line.contains(" level=\(level) "), "\(line)")
        }
        try daemon.expectEnd(after: SIGTERM)
    }
}
