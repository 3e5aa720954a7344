public import SluiceRuntime
import SluiceWire
import Synchronization

extension Hub {
    /// Serves the clients that connect to `listener`, until the listener is closed. Must be called by a task of the
    /// listener's reactor. Bind the listener with `HubLimits.listenerOptions`.
    ///
    /// - Parameter reactors: the reactors that serve the clients. Each client goes to the one with the fewest. All of
    ///   them must be running, and keep running. An empty array stands for the listener's own reactor.
    /// - Throws: `.cancelled`; `.system` if the listener fails permanently; `.misuse` if called off its reactor.
    public func serve(_ listener: Listener, on reactors: [Reactor] = []) async throws(SluiceError) {
        try await serve(listener, on: reactors, behind: nil)
    }

    /// Serves the clients that connect to `listener` through proxies.
    ///
    /// - Parameter proxies: the proxies, each of whose connections begins with a PROXY header; nil for clients that connect
    ///   directly.
    package func serve(
        _ listener: Listener, on reactors: [Reactor], behind proxies: TrustedProxies?
    ) async throws(SluiceError) {
        let shares = (reactors.isEmpty ? [listener.reactor] : reactors).map(share)
        let handshakes = listener.usesTLS ? try HandshakeThread() : nil
        defer { handshakes?.stop() }
        listeners.add(listener)
        defer { listeners.remove(listener) }
        do throws(SluiceError) {
            guard let proxies else {
                while true { admit(try await listener.acceptSocket(), shares, handshakes) }
            }
            let pending = PendingHeaders()
            while true {
                receive(try await listener.acceptSocket(), from: proxies, pending, on: listener.reactor) { [self] in
                    admit($0, shares, handshakes)
                }
            }
        } catch  where error.code == .closed {}
    }

    private func admit(_ accepted: consuming AcceptedSocket, _ shares: [ReactorShare], _ handshakes: HandshakeThread?) {
        let origin = ClientOrigin(accepted.peer, user: accepted.peerUser)
        switch enter(accepted.peer.reportedText, from: origin, on: shares) {
        case .turnedAway(_, let error):
            // With TLS, the reply would need a handshake, which is too much work for a client that is turned away.
            if accepted.tls == nil, let stream = try? accepted.takeStream(on: shares[0].reactor) {
                turnAway(stream, error, shares[0])
            }
        case .admitted(let connection):
            if accepted.peerMaySignal { permitKilling(connection.id) }
            if let handshakes { return performHandshake(of: connection, accepted, handshakes) }
            if connection.share.reactor.isCurrent { return begin(connection, accepted.takeSocket()) }
            // Accepted by the listener's reactor, and served by another one.
            beginElsewhere(connection, accepted.takeSocket())
        }
    }

    /// Performs a client's handshake, and then begins to serve it or ends its connection.
    private func performHandshake(
        of connection: Connection, _ accepted: consuming AcceptedSocket, _ handshakes: HandshakeThread
    ) {
        guard chargeHandshake(to: connection.id) else {
            return connection.share.reactor.post { connection.endBeforeBeginning(because: .memory) }
        }
        handshakes.perform(accepted, for: holder(of: connection.id)) { [self] result in
            switch consume result {
            case .established(let socket): beginElsewhere(connection, socket)
            case .failed(let reason):
                report(.handshakeFailed(reason), by: connection.id, nil)
                connection.share.reactor.post { connection.endBeforeBeginning(because: .tls) }
            }
        }
    }

    /// Charges a client for its handshake.
    ///
    /// - Returns: false if the client may not use that much memory.
    private func chargeHandshake(to id: ConnectionID) -> Bool {
        var isPermitted = false
        transactFromAnywhere { state in
            guard let client = state.machine.clients[id],
                state.machine.account.refusal(of: ObjectSize.handshake, for: client) == nil
            else { return }
            client.chargeConnection(ObjectSize.handshake)
            isPermitted = true
        }
        return isPermitted
    }

    private func noteEndOfHandshake(_ id: ConnectionID) {
        transactFromAnywhere { $0.machine.clients[id]?.chargeConnection(ObjectSize.tls - ObjectSize.handshake) }
    }

    /// Lets the reactor of a connection begin to serve its client. May be called from any thread.
    private func beginElsewhere(_ connection: Connection, _ socket: consuming DetachedSocket) {
        let socket = Lock<DetachedSocket?>(socket)
        connection.share.reactor.post { [self] in
            if let socket = socket.withLock({ $0.take() }) { begin(connection, socket) }
        }
    }

    private func begin(_ connection: Connection, _ socket: consuming DetachedSocket) {
        connection.share.connectionBegins()
        watchOver(connection.share)
        if socket.hasTLS { noteEndOfHandshake(connection.id) }
        connection.begin(socket)
        // The connection was accepted just before the listeners were closed.
        if connection.share.isDraining { connection.drain() }
    }

    private func turnAway(_ stream: Stream, _ error: WireError, _ share: ReactorShare) {
        var output: [UInt8] = []
        Reply.error(error).append(to: &output)
        _ = output.withUnsafeBytes { stream.tryWrite($0) }
        try? stream.shutdownWrite()
        // Closing with unread input would reset the connection, and the reply might be lost.
        _ = stream.tryRead(into: share.scratch)
        stream.close()
    }

    /// Closes the reactor's connections when the reactor stops, while there are any.
    private func watchOver(_ share: ReactorShare) {
        guard share.warden == nil else { return }
        let warden = Gate("the end of the connections", on: share.reactor)
        share.warden = warden
        share.reactor.spawn("connections") { [self] in
            do throws(SluiceError) {
                try await warden.wait()
            } catch {
                for connection in connections(of: share) { connection.stop() }
            }
        }
    }
}

extension SocketAddress {
    /// The address as reports show it. A client on a Unix-domain socket chooses the path that it binds, so bytes that
    /// could look like another column or row are percent-encoded.
    fileprivate var reportedText: String { port == nil ? PercentEncoding.encode(description) : description }
}
