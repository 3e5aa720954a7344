import Foundation
import TestSupport
import Testing

/// The addresses on which the daemon listens, and what it says about them.
@Suite(.serialized, .bounded) struct ListenerTests {
    private func start(_ configuration: String, listeners: Int = 1) throws -> (Daemon, TemporaryFile) {
        let file = TemporaryFile("sluiced.yaml", containing: configuration)
        return (try Daemon(["--config", file.path], listeners: listeners), file)
    }

    private func failure(_ arguments: [String]) throws -> (message: String, status: Int32) {
        let program = try Daemon.start(arguments)
        return (try program.errorOutput(), try program.status())
    }

    @Test("A host name has one ready line with all its addresses, which share a port")
    func hostNames() throws {
        let daemon = try Daemon(["--listen", "localhost:0"])
        let line = try #require(daemon.readyLines.first)
        let places = line.split(separator: " ").dropFirst()
        #expect(line.hasPrefix("ready tcp=") && Set(places).count == places.count)
        #expect(Set(places.compactMap { $0.split(separator: ":").last }).count == 1)
        #expect(try daemon.conversation("PING\nQUIT\n") == "OK\nOK\n")
    }

    @Test("A missing or unwritable directory of a Unix-domain socket is called that")
    func missingDirectories() throws {
        let missing = temporaryPath("missing")
        let (message, status) = try failure(["--listen", "unix:\(missing)/s"])
        #expect(message == "sluiced: cannot listen on unix:\(missing)/s: the directory \(missing) does not exist\n")
        #expect(status == 69)
    }

    @Test("A Unix-domain socket has the configured mode and group")
    func modes() throws {
        let path = temporaryPath("mode.sock")
        let group = getgid()
        let (daemon, _) = try start("listen: [{address: \"unix:\(path)\", mode: 0660, group: \(group)}]\n")
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o660 && status.st_gid == group)
        try daemon.expectEnd(after: SIGTERM)
        #expect(access(path, F_OK) != 0)
    }

    @Test("[::] says that it stands for IPv6 only")
    func anyIPv6Address() throws {
        let daemon = try Daemon(["--listen", "[::]:0", "--allow-public"])
        while let line = try daemon.program.errorLine() {
            guard line.contains("[::]:0 accepts IPv6 only; listen on 0.0.0.0:0 too for IPv4") else { continue }
            return try daemon.expectEnd(after: SIGTERM)
        }
        Issue.record("the log does not say it")
    }

    @Test("Behind a proxy, reports show the client's address, before TLS too")
    func proxies() throws {
        let authority = try TestAuthority(issuing: "hub")
        let (daemon, _) = try start(
            """
            listen:
              - {address: "127.0.0.1:0", proxy: true, proxy-networks: [127.0.0.1, 10.0.0.0/8]}
              - address: "127.0.0.1:0"
                proxy: true
                proxy-networks: 127.0.0.0/8
                tls: {certificate: \(authority.path("hub.pem")), key: \(authority.path("hub.key"))}

            """, listeners: 2)
        let plain = try LineSocket(port: daemon.port)
        try plain.send(Array("PROXY TCP4 192.0.2.7 127.0.0.1 4711 7333\r\nCLIENTS\n".utf8))
        let count = try #require(try plain.line()?.split(separator: " ").last.flatMap { Int($0) })
        #expect(count > 0)
        #expect(try plain.line()?.hasPrefix("CLIENT ") == true)
        #expect(try plain.line()?.hasPrefix("192.0.2.7:4711 ") == true)
        // With TLS, the handshake follows the header.
        let port = try #require(daemon.readyLines[1].split(separator: ":").last)
        let script = """
            import socket, ssl
            raw = socket.create_connection(("127.0.0.1", \(port)))
            raw.sendall(b"PROXY TCP6 2001:db8::7 ::1 4712 7333\\r\\n")
            context = ssl.create_default_context(cafile="\(authority.certificatePath)")
            client = context.wrap_socket(raw, server_hostname="localhost")
            client.sendall(b"CLIENTS\\nQUIT\\n")
            text = b""
            while block := client.recv(4096): text += block
            print(text.decode())
            """
        let client = try Program("/usr/bin/env", ["python3", "-c", script])
        #expect(try client.rest().contains("[2001:db8::7]:4712"))
        // A connection without a header is closed, and logged.
        let direct = try LineSocket(port: daemon.port)
        try direct.send(Array("PING\n".utf8))
        #expect(try direct.line() == nil)
        while let line = try daemon.program.errorLine() {
            guard line.contains("connection through a proxy refused") else { continue }
            #expect(line.contains("the connection does not begin with a PROXY header"))
            return
        }
        Issue.record("the connection was not logged")
    }
}
