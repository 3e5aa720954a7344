import Foundation
import Testing

/// A running daemon with a web door.
struct WebDaemon {
    let daemon: Daemon

    init(_ arguments: [String] = [], environment: [String: String] = [:]) throws {
        daemon = try Daemon(
            ["--listen", "127.0.0.1:0", "--web", "127.0.0.1:0"] + arguments, listeners: 2, environment: environment)
    }

    /// The port of the web door.
    var port: String {
        get throws {
            let line = try #require(daemon.readyLines.last)
            return String(try #require(line.wholeMatch(of: #/ready http=127\.0\.0\.1:(\d+)/#)).1)
        }
    }

    /// Starts curl. The last argument is a path of the daemon.
    func startCurl(_ arguments: String...) throws -> Program { try startCurl(arguments) }

    private func startCurl(_ arguments: [String]) throws -> Program {
        let path = try #require(arguments.last)
        return try Program(
            "/usr/bin/env",
            ["curl", "-sS", "-w", "|%{http_code}"] + arguments.dropLast() + ["http://127.0.0.1:\(try port)\(path)"])
    }

    /// Runs curl, and returns the body of the response and its status, separated by `|`.
    func curl(_ arguments: String...) throws -> String {
        let curl = try startCurl(arguments)
        let output = try curl.rest()
        let errors = try curl.errorOutput()
        #expect(try curl.status() == 0, "\(errors)")
        return output
    }

    /// A connection of the line protocol.
    func line() throws -> LineSocket { try LineSocket(port: daemon.port) }

    /// Waits until that many clients wait on a channel.
    func waitForWaiters(_ count: Int, on channel: String, _ socket: LineSocket) throws {
        try waitUntil {
            try socket.send(Array("waiters format=json \(channel)\n".utf8))
            _ = try socket.line()
            return try #require(try socket.line()).matches(of: #/"operation"/#).count == count
        }
    }
}

/// A connection that sends requests as they are written, and reads responses.
final class HTTPSocket {
    let socket: LineSocket

    init(to daemon: WebDaemon) throws { socket = try LineSocket(port: daemon.port) }

    struct Response {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    func send(_ text: String) throws { try socket.send(Array(text.utf8)) }

    /// Reads a response; nil at the end of the connection.
    func response(toHead: Bool = false) throws -> Response? {
        guard let first = try socket.line() else { return nil }
        let status = try #require(first.firstMatch(of: #/^HTTP\/1\.1 (\d{3}) /#), "\(first)").1
        var headers: [String: String] = [:]
        while let line = try socket.line(), line != "\r" {
            let pair = line.dropLast().split(separator: ":", maxSplits: 1)
            headers[pair[0].lowercased()] = String(pair[1].dropFirst())
        }
        let length = toHead ? 0 : headers["content-length"].flatMap { Int($0) } ?? 0
        return Response(
            status: Int(status) ?? 0, headers: headers,
            body: String(decoding: try socket.bytes(length), as: UTF8.self))
    }

    /// Sends a request, and returns the status of its response.
    func status(of text: String) throws -> Int? {
        try send(text)
        return try response()?.status
    }
}
