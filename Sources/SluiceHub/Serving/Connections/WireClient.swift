package import SluiceRuntime
package import SluiceWire

/// A client of the hub whose commands are written by code in the hub's process, and not read from the kernel's socket.
///
/// A ``Door`` has such a client for each of its connections, and translates another protocol into the line protocol. So
/// permissions, limits, memory, reports and draining treat these clients like all others. Used only on the thread of
/// its reactor.
package final class WireClient: @unchecked Sendable {
    // Sendable: everything that changes is used only on the reactor's thread.

    /// The most bytes of replies that wait to be taken.
    private static let outputRoom = 64 << 10

    private let connection: Connection
    private let socket = VirtualSocket(outputRoom: outputRoom)
    private let address: String
    private let origin: ClientOrigin?
    /// The principal that the client has without `AUTH`; nil for none.
    private let identity: ProvenIdentity?
    /// Whether `tell()` will be called soon.
    private var isTelling = false
    private var parser = ReplyParser(limits: Limits(maxLineBytes: 1 << 20, maxBodyBytes: .max))
    /// Bytes of replies that were not taken.
    private var replies: [UInt8] = []
    /// The number of these bytes that were parsed.
    private var parsedBytes = 0
    /// The bytes of the reply that ``nextReplyBytes()`` is parsing.
    private var currentReply: [UInt8] = []

    /// Called when there may be replies, and when the hub has ended the connection. The hub's connection is running during
    /// the call, so commands that are written in it run later.
    package var whenChanged: (() -> Void)?
    /// Called when the hub has read everything that was written.
    package var whenRead: (() -> Void)?

    init(_ connection: Connection, as identity: ProvenIdentity?) {
        self.connection = connection
        self.identity = identity
        (address, origin) = connection.hub.place(of: connection.id)
        socket.whenReady = { [weak self] _ in self?.tellLater() }
        socket.whenChanged = { [weak self] _ in self?.whenChanged?() }
        socket.whenRead = { [weak self] in self?.whenRead?() }
    }

    /// Lets the hub begin to serve the client.
    func begin() {
        // With deadlines, `isAtRest` is never true for the connection: its door may hold bytes for it.
        connection.deadlines = ConnectionDeadlines()
        connection.begin(socket)
        if let identity { connection.assume(identity) }
    }

    /// Notes which additions to the protocol the client understands, as `HELLO` does.
    package func understand(_ features: Set<Feature>) {
        connection.hub.transact(connection.share) { [connection] machine in
            machine.clients[connection.id]?.understand(features)
        }
    }

    /// The principal that the client is; nil for none.
    package var principal: ChannelName? { connection.hub.identity(of: connection.id)?.principal }

    /// Whether the client may only authenticate, because it has not done so yet.
    package var mustAuthenticate: Bool { connection.conversation.admission != nil }

    /// Returns the error with which the hub refuses every message of the client to a channel, whatever the message is;
    /// nil if it may take one. A door asks before it takes a long message.
    ///
    /// - Parameters:
    ///   - channel: the channel; nil for the answer to a call.
    ///   - wantsAnswer: whether the message is a call.
    package func refusal(ofMessageTo channel: ChannelName?, wantsAnswer: Bool = false) -> WireError? {
        if mustAuthenticate { return .authenticationRequired }
        guard let channel else { return nil }
        return connection.hub.look { state -> WireError? in
            if state.machine.stage != .serving { return .draining }
            guard let permissions = state.machine.clients[connection.id]?.grant.permissions,
                !permissions.allows(.send, on: channel)
            else { return nil }
            return .denied(wantsAnswer ? .call : .send, channel)
        }
    }

    package var reactor: Reactor { connection.reactor }
    /// The holder to which the client belongs.
    package var holder: HolderID { connection.conversation.holder }

    /// Lets the door's connection of this client work when it has its turn. So doors do not make the other clients of
    /// the reactor wait.
    ///
    /// - Parameter waits: whether other connections have their turn first in any case.
    /// - Returns: whether the connection has worked now.
    package func takeTurn(_ work: some DoorConnection, waiting waits: Bool = false) -> Bool {
        connection.share.takeTurn(work, of: { holder }, waiting: waits)
    }

    /// Whether the time that doors have in this turn is over.
    package var isTurnOver: Bool { connection.share.isTurnOfDoorsOver }

    /// Makes another client from the same address, with the same identity, on the same reactor.
    ///
    /// - Throws: the error if a limit is reached.
    package func makeSibling() throws(WireError) -> WireClient {
        try connection.hub.enterWireClient(address, from: origin, as: identity, on: connection.share)
    }

    // MARK: Commands and replies

    /// Sends bytes of the line protocol.
    package func write(_ bytes: some Collection<UInt8>) { socket.arrive(bytes) }

    /// The bytes that the hub has not read.
    package var unreadBytes: Int { socket.unreadBytes }
    /// The bytes of replies that were not taken.
    package var untakenBytes: Int { replies.count - parsedBytes + currentReply.count + socket.untakenBytes }

    /// Takes the next complete reply, and the tag of the command that it answers; nil if there is none.
    package func nextReply() -> (tag: Tag?, reply: Reply)? { parseNext { _ in } }

    /// Takes the bytes of the next complete reply: its line, and its body if it has one. Both are without their line
    /// ends. Returns nil if there is none.
    package func nextReplyBytes() -> (line: [UInt8], body: [UInt8]?)? {
        let isComplete = parseNext { currentReply += $0 } != nil
        guard isComplete, let end = currentReply.firstIndex(of: 0x0A) else { return nil }
        defer { currentReply = [] }
        let body = currentReply[(end + 1)...]
        return (Array(currentReply[..<end]), body.isEmpty ? nil : Array(body.dropLast()))
    }

    /// Parses the next reply.
    ///
    /// - Parameter note: called with the bytes that are parsed.
    private func parseNext(_ note: (ArraySlice<UInt8>) -> Void) -> (tag: Tag?, reply: Reply)? {
        while true {
            if parsedBytes < replies.count {
                let start = parsedBytes
                let step = replies.withUnsafeBytes { parser.next($0, offset: &parsedBytes) }
                note(replies[start..<parsedBytes])
                switch step {
                case .reply(let tag, let reply): return (tag, reply)
                // The hub writes nothing that the parser does not understand.
                case .failed(let error): return (nil, .error(error))
                case .needsMore: break
                }
            }
            // An array without elements may still hold much memory, for which nobody is charged.
            if parsedBytes == replies.count { replies = [] } else { replies.removeFirst(parsedBytes) }
            parsedBytes = 0
            let more = socket.takeOutput(upTo: .max)
            guard !more.isEmpty else { return nil }
            if replies.isEmpty { replies = more } else { replies += more }
        }
    }

    // MARK: Memory

    /// The bytes that the door holds for the client. The hub charges them to the client.
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

    /// Whether the hub has ended the connection because a later one needs its place.
    package var hasGivenWay: Bool { connection.hasGivenWay }

    /// Ends the client as `QUIT` does.
    package func finish() {
        whenChanged = nil
        guard !isEnded else { return }
        socket.arrive("QUIT\n".utf8)
        socket.arriveEnd()
        endOnceRead()
    }

    /// Ends the client as a lost connection does: waiting operations are withdrawn, and leased messages return.
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

    /// Soon tells the connection what a poll of the kernel would. Not at once, because the connection may be running.
    private func tellLater() {
        guard !isTelling else { return }
        isTelling = true
        if connection.share.tellAfterWork(self) { return }
        reactor.post { [self] in tell() }
    }

    /// Tells the connection what a poll of the kernel would, and writes its replies at once. Must be called while no
    /// connection of the hub runs on the reactor.
    func tell() {
        isTelling = false
        socket.tell()
        connection.flushEarly()
        // The kernel would report it again in each turn.
        guard socket.isReady, !isTelling else { return }
        isTelling = true
        _ = reactor.call(after: .zero) { [self] in tell() }
    }
}
