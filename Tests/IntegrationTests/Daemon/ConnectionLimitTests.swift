import Foundation
import TestSupport
import Testing

/// The limits of connections of a running daemon.
@Suite(.serialized, .bounded) struct ConnectionLimitTests {
    private struct Info: Decodable {
        let connections: Int
        let refusedConnections: Int
        let endings: [String: Int]
    }

    private func info(_ client: LineSocket) throws -> Info {
        #expect(try client.answer(to: "info format=json")?.hasPrefix("DATA ") == true)
        return try JSONDecoder().decode(Info.self, from: Data(try #require(try client.line()).utf8))
    }

    @Test("The connections of one address are limited, and INFO counts the refused ones")
    func connectionsPerAddressAreLimited() throws {
        let path = temporaryPath("limits.sock")
        let daemon = try Daemon(
            ["--listen", "127.0.0.1:0", "--listen", "unix:\(path)"], listeners: 2,
            environment: ["SLUICED_LIMITS_CONNECTIONS_PER_ADDRESS": "2"])
        let clients = [try LineSocket(port: daemon.port), try LineSocket(port: daemon.port)]
        for client in clients { #expect(try client.answer(to: "ping") == "OK") }
        let third = try LineSocket(port: daemon.port)
        #expect(try third.line() == "ERR limit an address may have at most 2 connections")
        #expect(try third.line() == nil)
        let info = try info(clients[0])
        #expect(info.refusedConnections == 1)
        #expect(info.endings == ["too-many-of-address": 1])
        for client in clients { client.close() }
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("The path that a client of a Unix-domain socket has bound cannot pass for a row of a report")
    func pathsAreEncoded() throws {
        let path = temporaryPath("rows.sock")
        let daemon = try Daemon(["--listen", "127.0.0.1:0", "--listen", "unix:\(path)"], listeners: 2)
        let forged = "\(path) x\n10.0.0.1:1 admin \u{1B}[2J"
        let client = try BoundUnixClient(at: forged, connectedTo: path)
        let watcher = try LineSocket(port: daemon.port)
        let spelled = "unix:\(path)%20x%0A10.0.0.1:1%20admin%20%1B[2J"
        try waitUntil { try info(watcher).connections == 2 }
        let head = try #require(try watcher.answer(to: "clients"))
        #expect(head.hasPrefix("DATA "))
        let rows = try (0..<3).map { _ in try #require(try watcher.line()) }
        #expect(rows.count { $0.hasPrefix(spelled + " ") } == 1)
        #expect(rows.count { $0.hasPrefix("10.0.0.1") } == 0)
        watcher.close()
        client.close()
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("The connections of one principal are limited")
    func connectionsPerPrincipalAreLimited() throws {
        let users = TemporaryFile("users", containing: "alice s3cret\nbob hunter2\n")
        let daemon = try Daemon(
            environment: [
                "SLUICED_LIMITS_CONNECTIONS_PER_PRINCIPAL": "1", "SLUICED_USERS_FILE": users.path,
            ])
        let clients = try (0..<3).map { _ in try LineSocket(port: daemon.port) }
        #expect(try clients[0].answer(to: "auth alice s3cret") == "OK")
        #expect(
            try clients[1].answer(to: "auth alice s3cret") == "ERR limit a principal may have at most 1 connections")
        #expect(try clients[1].line() == nil)
        clients[1].close()
        #expect(try clients[2].answer(to: "auth bob hunter2") == "OK")
        try waitUntil { try info(clients[0]).endings == ["too-many-of-principal": 1] }
        for client in clients { client.close() }
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("A daemon without free descriptors refuses connections and keeps serving its clients")
    func runningOutOfDescriptorsRefusesConnections() throws {
        let daemon = try Daemon(descriptors: 64)
        let client = try LineSocket(port: daemon.port)
        #expect(try client.answer(to: "ping") == "OK")
        var others = try (0..<200).map { _ in try LineSocket(port: daemon.port) }
        var seen = try info(client)
        try waitUntil {
            seen = try info(client)
            return seen.connections + seen.refusedConnections >= 201
        }
        #expect(seen.refusedConnections > 100)
        #expect(seen.endings["no-descriptor"] == seen.refusedConnections)
        try client.send(Array("#1 send jobs x\nrecv jobs\n".utf8))
        #expect(try (0..<3).map { _ in try client.line() } == ["MSG jobs 1", "x", "#1 OK"])
        others = []
        try waitUntil { try info(client).connections == 1 }
        let next = try LineSocket(port: daemon.port)
        #expect(try next.answer(to: "ping") == "OK")
        #expect(try info(client).refusedConnections == seen.refusedConnections)
        #expect(others.isEmpty)
        next.close()
        client.close()
        try daemon.expectEnd(after: SIGTERM)
    }
}

/// A connection to a Unix-domain socket from a path of its own.
private final class BoundUnixClient {
    private let descriptor: Int32
    private let path: String

    init(at path: String, connectedTo server: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(Self.withAddress(path) { bind(descriptor, $0, $1) } == 0)
        try #require(Self.withAddress(server) { connect(descriptor, $0, $1) } == 0)
    }

    deinit { unlink(path) }

    func close() { Foundation.close(descriptor) }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
