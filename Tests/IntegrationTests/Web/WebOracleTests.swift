import Foundation
import TestSupport
import Testing

/// Other programs that speak HTTP: clients, and proxies in front of the web door.
@Suite(.bounded) struct WebOracleTests {
    private static func has(_ program: String) -> Bool {
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin") + ":/usr/sbin"
        return path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
    }

    /// A proxy that listens on a Unix-domain socket.
    private struct Proxy {
        let program: Program
        let folder: String

        var socket: String { "\(folder)/s" }

        init(_ name: String, to port: String) throws {
            folder = temporaryPath(name)
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let configuration = name == "nginx" ? Self.nginx(port, folder) : Self.haproxy(port, folder)
            try configuration.write(toFile: "\(folder)/conf", atomically: true, encoding: .utf8)
            program = try Program(
                "/usr/bin/env",
                name == "nginx"
                    ? ["nginx", "-p", folder, "-e", "stderr", "-c", "\(folder)/conf"]
                    : ["haproxy", "-db", "-f", "\(folder)/conf"],
                environment: ["PATH": "/usr/sbin:/usr/bin:/bin"])
            try waitUntil { [socket] in access(socket, F_OK) == 0 }
        }

        func stop() {
            program.send(signal: SIGTERM)
            // If nginx were killed before it passes the signal on, its worker would go on, and the test would wait for that.
            _ = try? program.status()
            try? FileManager.default.removeItem(atPath: folder)
        }

        private static func nginx(_ port: String, _ folder: String) -> String {
            """
            daemon off;
            pid \(folder)/pid;
            error_log stderr;
            events {}
            http {
                access_log off;
                client_body_temp_path \(folder)/a; proxy_temp_path \(folder)/b; fastcgi_temp_path \(folder)/c;
                uwsgi_temp_path \(folder)/d; scgi_temp_path \(folder)/e;
                map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
                server {
                    listen unix:\(folder)/s;
                    location / {
                        proxy_pass http://127.0.0.1:\(port);
                        proxy_http_version 1.1;
                        proxy_request_buffering off;
                        proxy_set_header Host $http_host;
                        proxy_set_header Upgrade $http_upgrade;
                        proxy_set_header Connection $connection_upgrade;
                    }
                }
            }

            """
        }

        private static func haproxy(_ port: String, _ folder: String) -> String {
            """
            defaults
                mode http
                option abortonclose
                timeout connect 5s
                timeout client 1h
                timeout server 1h
            listen door
                bind unix@\(folder)/s
                server sluice 127.0.0.1:\(port)

            """
        }
    }

    @Test(
        "The door works behind a proxy",
        arguments: ["nginx", "haproxy"].filter { has($0) } + (has("nginx") || has("haproxy") ? [] : ["no proxy"]))
    func proxies(name: String) throws {
        guard name != "no proxy" else { return }
        let daemon = try WebDaemon()
        let proxy = try Proxy(name, to: try daemon.port)
        defer { proxy.stop() }
        func curl(_ arguments: String...) throws -> Program {
            let all = ["curl", "-sS", "--unix-socket", proxy.socket] + arguments.dropLast()
            return try Program("/usr/bin/env", all + ["http://localhost\(try #require(arguments.last))"])
        }
        let line = try daemon.line()
        let sender = try curl("-d", "sweep the yard", "/c/jobs")
        #expect(try curl("/c/jobs").rest() == "sweep the yard")
        #expect(try sender.rest() == "ok\n")
        let chunked = try curl("-H", "Transfer-Encoding: chunked", "-d", "in chunks", "/c/jobs")
        #expect(try curl("/c/jobs").rest() == "in chunks")
        #expect(try chunked.rest() == "ok\n")

        // A client that hangs up at the proxy is withdrawn.
        let receiver = try curl("/c/jobs")
        try daemon.waitForWaiters(1, on: "jobs", line)
        receiver.send(signal: SIGKILL)
        try daemon.waitForWaiters(0, on: "jobs", line)

        let stream = try curl("-N", "/c/jobs?stream=1")
        try daemon.waitForWaiters(1, on: "jobs", line)
        #expect(try line.answer(to: "send jobs hello") == "OK")
        #expect(try stream.line() == "data: hello")

        let socket = try LineSocket(path: proxy.socket)
        try socket.send(
            Array(
                """
                GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nUpgrade: websocket\r
                Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
                """.utf8))
        #expect(try socket.line()?.hasPrefix("HTTP/1.1 101") == true)
        while let line = try socket.line(), line != "\r" {}
        // "ping", with a mask of zeros.
        try socket.send([0x81, 0x84, 0, 0, 0, 0] + Array("ping".utf8))
        #expect(try socket.bytes(4) == [0x81, 2, UInt8(ascii: "O"), UInt8(ascii: "K")])
    }

    @Test("wget sends and receives", .enabled(if: has("wget"), "no wget"))
    func wget() throws {
        let daemon = try WebDaemon()
        func wget(_ arguments: String..., path: String) throws -> Program {
            try Program("/usr/bin/env", ["wget", "-qO-"] + arguments + ["http://127.0.0.1:\(try daemon.port)\(path)"])
        }
        let sender = try wget("--post-data=sweep the yard", path: "/c/jobs")
        #expect(try wget(path: "/c/jobs").rest() == "sweep the yard")
        #expect(try sender.rest() == "ok\n")
    }

    @Test("Killed curls lose nothing with a lease, and without one at most what their kernel had")
    func killedCurls() throws {
        let script = Document.root.appendingPathComponent("Tests/Faults/killed_curls.py").path
        let count = 100
        for manner in ["lease", "none"] {
            let daemon = try WebDaemon()
            let killer = try Program(
                "/usr/bin/env", ["python3", script, try daemon.port, try daemon.daemon.port, manner, "\(count)"])
            let last = try killer.rest().split(separator: "\n").last
            let figures = try #require(last?.wholeMatch(of: #/lost=(\d+) repeated=(\d+) killed=(\d+)/#))
            let (lost, repeated, killed) = (Int(figures.1) ?? -1, Int(figures.2) ?? -1, Int(figures.3) ?? -1)
            #expect(killed > count / 10)
            if manner == "lease" { #expect(lost == 0 && repeated == 0) } else { #expect(lost + repeated <= killed) }
            #expect(try daemon.line().answer(to: "recv timeout=0 jobs") == "TIMEOUT")
        }
    }
}
