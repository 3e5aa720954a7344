import Glibc
public import SluiceRuntime
import SluiceWire
import Synchronization

extension Hub {
    /// Serves the clients that connect to `listener`, until the listener is closed. Must be called by a task of the
    /// listener's reactor. Bind the listener with `HubLimits.listenerOptions`.
    ///
    /// If the listener's reactor is not one of `reactors`, it accepts connections while these are busy. So a client
    /// that makes connections as fast as it can does not fill the kernel's queue.
    ///
    /// - Parameter reactors: the reactors that serve the clients. Each client goes to the one with the fewest. All of
    ///   them must be running, and keep running. An empty array stands for the listener's own reactor.
    /// - Throws: `.cancelled`; `.system` if the listener fails permanently; `.misuse` if called off its reactor.
    public func serve(_ listener: Listener, on reactors: [Reactor] = []) async throws(SluiceError) {
        try await serve(listener, on: reactors, behind: nil, PrincipalMapping())
    }

    /// Serves the clients that connect to `listener`. Proxies may name them, and certificates or users may identify
    /// them.
    ///
    /// - Parameters:
    ///   - proxies: the proxies, each of whose connections begins with a PROXY header; nil for clients that connect
    ///     directly.
    ///   - mapping: how the listener identifies clients as principals.
    ///   - door: the door that serves the clients, if they speak another protocol; nil for the line protocol.
    package func serve(
        _ listener: Listener, on reactors: [Reactor], behind proxies: TrustedProxies?, _ mapping: PrincipalMapping,
        through door: (any Door)? = nil
    ) async throws(SluiceError) {
        let shares = (reactors.isEmpty ? [listener.reactor] : reactors).map(share)
        let context = AdmissionContext(
            shares: shares, handshakes: listener.usesTLS ? try HandshakeThread(door) : nil, mapping: mapping,
            door: door)
        let isServing = shares.contains { $0.reactor === listener.reactor }
        let receive: @Sendable (consuming AcceptedSocket) -> Void = { [self] socket in
            if isServing { admit(socket, context) } else { queue(socket, context) }
        }
        defer { context.handshakes?.stop() }
        listeners.add(listener)
        defer { listeners.remove(listener) }
        do throws(SluiceError) {
            guard let proxies else {
                while true { receive(try await listener.acceptSocket()) }
            }
            let pending = PendingHeaders()
            while true {
                readHeader(
                    of: try await listener.acceptSocket(), from: proxies, pending, on: listener.reactor, receive)
            }
        } catch  where error.code == .closed {}
    }

    /// Queues a connection until the first of the reactors admits it, or turns it away if too many of its origin wait.
    private func queue(_ accepted: consuming AcceptedSocket, _ context: AdmissionContext) {
        let share = context.shares[0]
        let origin = ClientOrigin(accepted.peer, user: accepted.peerUser)
        guard share.newcomers.hasRoom(for: origin) else {
            listeners.countAsTurnedAway(accepted.peer.reportedText, origin, report)
            return turnAway(accepted, .tooManyNewcomers, context)
        }
        let isFirst = share.newcomers.append(Newcomer(accepted, context), of: origin)
        if isFirst { share.reactor.post { [self] in admitNewcomers(of: share) } }
    }

    /// Admits some of the newcomers. The others wait for the next turn.
    private func admitNewcomers(of share: ReactorShare) {
        share.awaitEndOfTurn()
        let end = share.time.end(of: Budget.timeOfNewcomers, from: share.reactor.nowNanoseconds)
        while let newcomer = share.newcomers.popFirst() {
            if let socket = newcomer.takeSocket() { admit(socket, newcomer.context) }
            if share.reactor.nowNanoseconds > end {
                return share.reactor.post { [self] in admitNewcomers(of: share) }
            }
        }
    }

    private func admit(_ accepted: consuming AcceptedSocket, _ context: AdmissionContext) {
        let shares = context.shares
        let user = accepted.peerUser
        switch enter(accepted.peer.reportedText, from: ClientOrigin(accepted.peer, user: user), on: shares) {
        case .turnedAway(_, let error): turnAway(accepted, error, context)
        case .admitted(let connection):
            // Such a user may also send the daemon signals.
            if let user, user == 0 || user == geteuid() { permitKilling(connection.id) }
            let identity = context.mapping.identity(ofUser: user)
            if let handshakes = context.handshakes {
                return performHandshake(of: connection, accepted, handshakes, context.door) { [self] socket in
                    context.mapping.identity(of: socket, in: principals) ?? identity
                }
            }
            let socket = accepted.takeSocket()
            if connection.share.reactor.isCurrent { return begin(connection, socket, identity, context.door) }
            // Accepted by the listener's reactor, and served by another one.
            beginElsewhere(connection, socket, identity, context.door)
        }
    }

    /// Performs a client's handshake, and then begins to serve it or ends its connection.
    ///
    /// - Parameter identify: identifies the client after its handshake.
    private func performHandshake(
        of connection: Connection, _ accepted: consuming AcceptedSocket, _ handshakes: HandshakeThread,
        _ door: (any Door)?, _ identify: @escaping @Sendable (borrowing DetachedSocket) -> ProvenIdentity?
    ) {
        guard chargeHandshake(to: connection.id) else {
            return connection.share.reactor.post { connection.endBeforeBeginning(because: .memory) }
        }
        handshakes.perform(accepted, for: connection.conversation.holder) { [self] result in
            switch consume result {
            case .established(let socket):
                let identity = identify(socket)
                beginElsewhere(connection, socket, identity, door)
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

    private func noteEndOfHandshake(_ id: ConnectionID, _ certificateBytes: Int) {
        let bytes = ObjectSize.tls + certificateBytes
        transactFromAnywhere { $0.machine.clients[id]?.chargeConnection(bytes - ObjectSize.handshake) }
    }

    private func beginWireClient(of connection: Connection, as identity: ProvenIdentity?) -> WireClient {
        transactFromAnywhere { [id = connection.id] in $0.machine.clients[id]?.chargeConnection(ObjectSize.door) }
        let client = WireClient(connection, as: identity)
        client.begin()
        return client
    }

    /// Lets the reactor of a connection begin to serve its client. May be called from any thread.
    private func beginElsewhere(
        _ connection: Connection, _ socket: consuming DetachedSocket, _ identity: ProvenIdentity?, _ door: (any Door)?
    ) {
        let socket = Lock<DetachedSocket?>(socket)
        connection.share.reactor.post { [self] in
            if let socket = socket.withLock({ $0.take() }) { begin(connection, socket, identity, door) }
        }
    }

    private func begin(
        _ connection: Connection, _ socket: consuming DetachedSocket, _ identity: ProvenIdentity?, _ door: (any Door)?
    ) {
        // A later connection has taken its place.
        guard connection.isOpen else { return }
        connection.share.connectionBegins()
        watchOver(connection.share)
        if socket.hasTLS { noteEndOfHandshake(connection.id, socket.certificateBytes) }
        if let door {
            door.begin(beginWireClient(of: connection, as: identity), over: socket)
        } else {
            connection.begin(socket)
            if let identity { connection.assume(identity) }
        }
        // The connection was accepted just before the listeners were closed.
        if connection.share.isDraining { connection.drain() }
    }

    /// Makes a client for a door. Called on the thread of the reactor.
    func enterWireClient(
        _ address: String, from origin: ClientOrigin?, as identity: ProvenIdentity?, on share: ReactorShare
    ) throws(WireError) -> WireClient {
        switch enter(address, from: origin, on: [share]) {
        case .turnedAway(_, let error): throw error
        case .admitted(let connection):
            share.connectionBegins()
            let client = beginWireClient(of: connection, as: identity)
            if share.isDraining { connection.drain() }
            return client
        }
    }

    private static func reply(to error: WireError) -> [UInt8] {
        var output: [UInt8] = []
        Reply.error(error).append(to: &output)
        return output
    }

    private func turnAway(_ accepted: consuming AcceptedSocket, _ error: WireError, _ context: AdmissionContext) {
        // With TLS, the reply would need a handshake, which is too much work for a client that is turned away.
        guard accepted.tls == nil, let reactor = Reactor.current, let stream = try? accepted.takeStream(on: reactor)
        else { return }
        let output = context.door?.reply(to: error) ?? Self.reply(to: error)
        _ = output.withUnsafeBytes { stream.tryWrite($0) }
        try? stream.shutdownWrite()
        // Closing with unread input would reset the connection, and the reply might be lost.
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { _ = stream.tryRead(into: $0) }
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

/// What is needed to admit the clients of a listener.
struct AdmissionContext: Sendable {
    let shares: [ReactorShare]
    /// Nil without TLS.
    let handshakes: HandshakeThread?
    let mapping: PrincipalMapping
    let door: (any Door)?
}

extension WireError {
    fileprivate static let tooManyNewcomers = WireError(
        .limit,
        "at most \(HubLimits.acceptedAhead) connections of an address may wait to be admitted; connect again later"
    )
}

extension SocketAddress {
    /// The address as reports show it. A client on a Unix-domain socket chooses the path that it binds, so bytes that
    /// could look like another column or row are percent-encoded.
    fileprivate var reportedText: String { port == nil ? PercentEncoding.encode(description) : description }
}
