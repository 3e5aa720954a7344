package import SluiceRuntime
package import SluiceWire

/// A connection to a Sluice server, at the level of the line protocol: requests go out, and replies come in the order in
/// which the server gives them, each with the tag of its request.
///
/// Belongs to the reactor on which it was made, and is used by that reactor's tasks; at a time, one task may send and
/// another one receive. A connection that nobody refers to any more is closed.
///
///     let connection = try await LineConnection.connect(to: address)
///     try await connection.send(Request(command: .ping([])))
///     let (tag, reply) = try await connection.receive()
package final class LineConnection: @unchecked Sendable {
    // Sendable: everything that changes belongs to the thread of the stream's reactor, which each operation checks.

    private static let readBytes = 16 << 10

    private let stream: Stream
    private var parser = ReplyParser(limits: Limits())
    /// What has arrived and is not parsed.
    private var input: [UInt8] = []
    /// How much of `input` is parsed.
    private var parsed = 0

    private init(_ stream: Stream) {
        self.stream = stream
    }

    /// Connects to a server. Must be called by a task of a reactor.
    ///
    /// - Parameter timeout: how long to wait for the server at most; nil waits as long as the kernel does, about 2
    ///   minutes.
    /// - Throws: `.system` when nobody listens there or the peer cannot be reached; `.timedOut`, `.cancelled`; `.misuse`
    ///   off the reactors.
    package static func connect(
        to address: SocketAddress, timeout: Duration? = nil
    ) async throws(SluiceError) -> LineConnection {
        LineConnection(try await Stream.connect(to: address, timeout: timeout))
    }

    /// Whom the connection is with.
    package var peerAddress: SocketAddress { stream.peerAddress }

    // MARK: Talking

    /// Sends requests, together; waits while the server does not read.
    ///
    /// - Throws: as `Stream.write`: an unknown part of the requests may have been sent.
    package func send(_ requests: Request...) async throws(SluiceError) {
        var bytes: [UInt8] = []
        for request in requests { request.append(to: &bytes) }
        try await send(encoded: bytes)
    }

    /// Sends requests that are encoded already, as many as there are.
    ///
    /// - Throws: as `send`.
    package func send(encoded bytes: [UInt8]) async throws(SluiceError) {
        try await stream.write(bytes)
    }

    /// The next reply, with the tag of the request that it answers; waits for it.
    ///
    /// - Parameter timeout: how long the server may say nothing at all; nil waits for ever.
    /// - Returns: nil when the server has closed its side after a complete reply.
    /// - Throws: `.timedOut`, `.cancelled`: then no reply is lost. `.system` when the connection failed; `.closed` after
    ///   `close`, or when it ends within a reply; `.misuse` when the peer does not speak the protocol.
    package func receive(timeout: Duration? = nil) async throws(SluiceError) -> (tag: Tag?, reply: Reply)? {
        while true {
            if let step = try parseNext() { return step }
            let bytes = try await stream.read(upTo: Self.readBytes, timeout: timeout)
            guard !bytes.isEmpty else {
                guard parser.isBetweenReplies else {
                    throw SluiceError(.closed, "\(peerAddress) has closed the connection within a reply")
                }
                return nil
            }
            input.removeFirst(parsed)
            parsed = 0
            input += bytes
        }
    }

    private func parseNext() throws(SluiceError) -> (tag: Tag?, reply: Reply)? {
        switch input.withUnsafeBytes({ parser.next($0, offset: &parsed) }) {
        case .reply(let tag, let reply): return (tag, reply)
        case .failed(let error): throw SluiceError(.misuse, "\(peerAddress) is no Sluice server: \(error.message)")
        case .needsMore: return nil
        }
    }

    // MARK: Ending

    /// Tells the server that no more requests come. What is parked is withdrawn then, unless it was sent with
    /// `eof=wait`; replies still come.
    ///
    /// - Throws: `.system` when the connection is gone; `.closed`; `.misuse` off the reactor.
    package func finishSending() throws(SluiceError) {
        try stream.shutdownWrite()
    }

    /// Closes the connection. May be called from any thread, any number of times.
    package func close() {
        stream.close()
    }
}
