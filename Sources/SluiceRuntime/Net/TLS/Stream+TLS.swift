import Glibc

extension Stream {
    /// Connects to a listener with TLS. Call from a task of the reactor that the stream is to belong to.
    ///
    /// - Parameters:
    ///   - tls: the authorities that the client trusts, and its certificate.
    ///   - name: the host name for which the server's certificate must be; nil for the address itself.
    ///   - timeout: the longest time for the connection, and then for the whole handshake.
    /// - Throws: as `connect(to:timeout:)`; `.tls` if the server does not speak TLS, or its certificate is not valid for
    ///   the name, or it does not accept this client. The message says why.
    public static func connect(
        to address: SocketAddress, tls: TLSClientContext, named name: String? = nil, timeout: Duration? = nil
    ) async throws(SluiceError) -> Stream {
        let session = try tls.makeSession(with: name ?? address.host)
        let stream = try await connect(to: address, tls: session, timeout: timeout)
        try await stream.finishHandshake(timeout: timeout)
        return stream
    }

    /// Finishes the handshake of a connection with TLS. Returns at once without TLS, and if it is over already.
    ///
    /// The first `read` or `write` does this too. A connection that one task reads from while another one writes to it
    /// needs this call before both begin.
    ///
    /// - Parameter timeout: the longest time for the whole handshake; nil waits without a limit. A handshake that takes
    ///   longer closes the connection.
    /// - Throws: `.tls` if the peer is not accepted, does not accept this side, or does not speak TLS; otherwise as
    ///   `read(into:timeout:)`.
    public func finishHandshake(timeout: Duration? = nil) async throws(SluiceError) {
        try await finishHandshake(timeout: timeout, awaitingTurn: {})
    }

    /// The same, for a thread with many handshakes: each step, which may take a millisecond, waits for its turn.
    ///
    /// - Parameter awaitTurn: returns when the next step may run.
    package func finishHandshake(
        timeout: Duration?, awaitingTurn awaitTurn: () async throws(SluiceError) -> Void
    ) async throws(SluiceError) {
        guard let tls, !tls.isEstablished else { return }
        try watch.checkUse()
        let alarm = timeout.map { [watch] in reactor.call(after: $0) { watch.closeFromAnywhere() } }
        defer { if let alarm { reactor.cancelTimer(alarm) } }
        do throws(SluiceError) {
            try await finishHandshake(of: tls, awaitTurn)
        } catch {
            guard error.code == .closed, timeout != nil else { throw error }
            throw SluiceError(.timedOut, "the TLS handshake on \(watch.role) took too long")
        }
    }

    private func finishHandshake(
        of tls: TLSSession, _ awaitTurn: () async throws(SluiceError) -> Void
    ) async throws(SluiceError) {
        while true {
            try await awaitTurn()
            switch tls.continueHandshake(over: watch.number) {
            case .bytes:
                return try await sendAllRest()
            case .wouldBlock:
                if hasUnsentOutput {
                    try await watch.waitWritable(timeout: nil)
                } else if !tls.hasBufferedInput {
                    try await watch.waitReadable(timeout: nil)
                }
            case .endOfStream: throw failure(ECONNRESET, "complete the TLS handshake on")
            case .failed(let errno): throw failure(errno, "complete the TLS handshake on")
            }
        }
    }

    /// Who the peer is and how the connection is encrypted. Nil without TLS, and before the end of the handshake. On the
    /// reactor's thread only.
    public var tlsDescription: TLSDescription? { tls?.description }

    /// Why TLS has failed; nil while it has not. On the reactor's thread only.
    package var tlsFailure: String? { tls?.failure }

    /// Whether encrypted bytes wait for the kernel to take them. On the reactor's thread only.
    package var hasUnsentOutput: Bool { (tls?.unsentBytes ?? 0) > 0 }

    /// Writes the encrypted bytes that wait, as far as the kernel takes them. On the reactor's thread only.
    package func sendRest() throws(SluiceError) {
        guard let tls, !tls.flush(to: watch.number) else { return }
        throw failure(tls.socketError, "write to")
    }

    /// Writes all encrypted bytes that wait. Waits while the kernel's buffer is full.
    ///
    /// - Parameter timeout: the longest time for the peer to take nothing; nil waits without a limit.
    func sendAllRest(timeout: Duration? = nil) async throws(SluiceError) {
        while hasUnsentOutput {
            try await waitWritable(timeout: timeout)
            try sendRest()
        }
    }

    /// Gives up the connection, which another owner takes over. On the reactor's thread only, while no task reads or
    /// writes. Nil if the stream is closed.
    package func detach() -> DetachedSocket? {
        guard let descriptor = watch.release() else { return nil }
        return DetachedSocket(descriptor: descriptor, tls: tls)
    }

    /// Writes a line without TLS to a peer that does not speak TLS. On the reactor's thread only.
    package func writeToPlainTextPeer(_ line: String) {
        guard let tls, tls.peerSpeaksPlainText else { return }
        _ = Array(line.utf8).withUnsafeBytes { Socket.tryWrite(watch.number, $0) }
    }

    /// Tells the peer that this side writes nothing more, as soon as the kernel takes what is still unsent.
    func finishWriting(_ tls: TLSSession) {
        tls.finishWriting(to: watch.number)
        guard hasUnsentOutput else { return }
        reactor.spawn("end of the output to \(peerAddress)") { [self] in
            // An error means that the connection has ended.
            try? await sendAllRest()
        }
    }
}

/// A connected, non-blocking socket without an owner, and its TLS.
package struct DetachedSocket: ~Copyable, @unchecked Sendable {
    // Sendable: the stream that has given up the socket does not use the session any more.

    let descriptor: Descriptor
    let tls: TLSSession?

    init(descriptor: consuming Descriptor, tls: TLSSession?) {
        self.descriptor = descriptor
        self.tls = tls
    }

    /// Takes over a connected, non-blocking socket without TLS.
    package init(_ descriptor: consuming Descriptor) { self.init(descriptor: descriptor, tls: nil) }

    /// Whether the connection is encrypted. Its handshake is over then.
    package var hasTLS: Bool { tls != nil }

    consuming func takeDescriptor() -> Descriptor { descriptor }
}
