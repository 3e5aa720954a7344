package import SluiceRuntime
package import SluiceWire

/// A client whose commands are not read from a socket, but written by code of the hub's process.
///
/// A ``Door`` has such a client for each of its connections, and translates another protocol into the line protocol. So
/// permissions, limits, memory, reports and draining treat the door's clients as all others. Used only on the thread of
/// its reactor.
package final class WireClient: @unchecked Sendable {
    // Sendable: see above.

    /// The most bytes of replies that wait to be taken.
    private static let outputRoom = 256 << 10

    private let connection: Connection
    private let socket = VirtualSocket(outputRoom: outputRoom)
    private let address: String
    private let origin: ClientOrigin?
    private var isTelling = false
    private var parser = ReplyParser(limits: Limits(maxLineBytes: 1 << 20, maxBodyBytes: .max))
    /// The beginning of a reply that is not complete.
    private var rest: [UInt8] = []

    /// Called when there may be replies, and when the hub has ended the connection.
    package var whenChanged: (() -> Void)?

    init(_ connection: Connection) {
        self.connection = connection
        (address, origin) = connection.hub.place(of: connection.id)
        socket.whenReady = { [weak self] _ in self?.tellLater() }
        socket.whenChanged = { [weak self] _ in self?.whenChanged?() }
    }

    /// Lets the hub serve the client.
    func begin() {
        // So `isAtRest` is never true for the connection, whose door may hold bytes for it.
        connection.deadlines = ConnectionDeadlines()
        connection.begin(socket)
    }

    package var reactor: Reactor { connection.reactor }
    /// The holder that the client counts for.
    package var holder: ObjectIdentifier { connection.hub.holder(of: connection.id) }

    /// Enters another client from the same address, on the same reactor.
    ///
    /// - Throws: the error if a limit is reached.
    package func makeSibling() throws(WireError) -> WireClient {
        try connection.hub.enterWireClient(address, from: origin, on: connection.share)
    }

    // MARK: Commands and replies

    /// Sends bytes of the line protocol.
    package func write(_ bytes: some Collection<UInt8>) { socket.arrive(bytes) }

    /// Takes the next complete reply; nil if there is none.
    package func nextReply() -> Reply? { nextTaggedReply()?.reply }

    /// Takes the next complete reply, and the tag of its command; nil if there is none.
    package func nextTaggedReply() -> (tag: Tag?, reply: Reply)? {
        let taken = socket.takeOutput(upTo: .max)
        if rest.isEmpty { rest = taken } else { rest += taken }
        guard !rest.isEmpty else { return nil }
        var offset = 0
        let step = rest.withUnsafeBytes { parser.next($0, offset: &offset) }
        if offset == rest.count { rest = [] } else { rest.removeFirst(offset) }
        switch step {
        case .reply(let tag, let reply): return (tag, reply)
        case .needsMore: return nil
        // The hub writes nothing that the parser does not understand.
        case .failed(let error): return (nil, .error(error))
        }
    }

    // MARK: Memory

    /// The bytes that the door holds for the client besides the hub. The hub charges them to the client.
    package var heldBytes: Int {
        get { socket.heldBytes }
        set {
            guard newValue != socket.heldBytes else { return }
            socket.heldBytes = newValue
            if !isEnded { connection.schedule() }
        }
    }

    // MARK: The end

    /// Whether the hub has ended the connection. The last replies may still wait to be taken.
    package var isEnded: Bool { socket.isClosed }

    /// Ends the connection in good order.
    package func finish() {
        whenChanged = nil
        guard !isEnded else { return }
        socket.arrive("QUIT\n".utf8)
        socket.arriveEnd()
        endOnceRead()
    }

    /// Ends the connection as the loss of a network does: what waits is withdrawn, and leases return.
    package func breakOff() {
        whenChanged = nil
        guard !isEnded else { return }
        socket.breakOff()
        endOnceRead()
    }

    /// Keeps the client until the hub has ended its connection.
    private func endOnceRead() {
        socket.whenChanged = { [self] socket in
            _ = socket.takeOutput(upTo: .max)
            if socket.isClosed { reactor.post { [self] in self.socket.whenChanged = nil } }
        }
        tellLater()
    }

    /// Tells the connection soon what a poll of the kernel would. Not now, because it may be running.
    private func tellLater() {
        guard !isTelling else { return }
        isTelling = true
        reactor.post { [self] in tell() }
    }

    private func tell() {
        isTelling = false
        socket.tell()
        // The kernel would report it again in each turn.
        guard socket.isReady, !isTelling else { return }
        isTelling = true
        _ = reactor.call(after: .zero) { [self] in tell() }
    }
}

/// What serves the clients of a listener in another protocol.
package protocol Door: Sendable {
    /// Begins to serve a client. Called on the thread of the client's reactor.
    func begin(_ client: WireClient, over socket: consuming DetachedSocket)

    /// Returns what a client gets that a limit turns away.
    func reply(to refusal: WireError) -> [UInt8]

    /// What a client without TLS gets from a listener with TLS.
    var replyToPlainText: String { get }
}
