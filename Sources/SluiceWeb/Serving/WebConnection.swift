import SluiceHub
import SluiceRuntime
import SluiceWire

/// One HTTP connection: its socket, its current request, and the hub's client for it. Used only on its reactor's
/// thread.
///
/// Like a `Connection` of the line protocol, it has no task: the reactor calls it when its socket is ready, and the
/// hub's client calls it when there are replies. It keeps reading while a request waits, so it notices at once that the
/// HTTP client has hung up. Requests are served one after the other; requests that are sent ahead wait.
final class WebConnection: SocketOwner, DoorConnection, @unchecked Sendable {
    // Sendable: everything is used only on the reactor's thread.

    /// What the connection does with its current request.
    enum Phase {
        /// There is no request, or its head is arriving.
        case head
        /// The body of a request is arriving.
        case body(Route)
        /// The hub is about to check the credentials of a request whose body has not arrived.
        case authenticating(Route)
        /// The exchange waits for the hub.
        case waiting
        /// The exchange waits for the reply to the command that ends or renews a lease.
        case changingLease
        /// The exchange waits until the client's kernel has confirmed the response.
        case delivering
        /// The exchange waits for the reply to the acknowledgement of the message that the client has got.
        case acknowledging
        /// The response is a stream of events.
        case streaming
        /// The hub is about to check the credentials of a request for a WebSocket.
        case upgrading(WebSocketHandshake)
        /// The connection has become a WebSocket.
        case webSocket
        /// The last response is written. Input is discarded until the client closes its side.
        case lingering
        case closed
    }

    /// What a connection does when it has its turn.
    private struct Work: OptionSet {
        let rawValue: UInt8

        static let write = Work(rawValue: 1)
        static let read = Work(rawValue: 2)
        /// Serves input that was read.
        static let serve = Work(rawValue: 4)
        static let takeReplies = Work(rawValue: 8)
        static let handleAlarm = Work(rawValue: 16)
    }

    /// The most steps of requests, such as a head or a body, that are served in a turn without waiting.
    private static let mostRequestsOfTurn = 4
    /// The most bytes that are read at a time.
    private static let mostRead = 16 << 10
    /// The most bytes that are read at a time before the client has authenticated, because the server keeps them
    /// meanwhile.
    private static let mostReadOfStranger = 4 << 10
    /// Fewer bytes than this are not charged.
    private static let leastCharged = 4 << 10

    let door: WebDoor
    let reactor: Reactor
    var socket = PolledSocket()
    /// A reference to this connection, which keeps it alive as long as the socket is open. The reactor does not retain
    /// the owner of a socket.
    private var owner: WebConnection?
    var phase = Phase.head
    /// The input that no request has taken.
    var input = RequestReader()
    var output = PendingOutput()
    private var isReadPosted = false
    /// Whether the connection waits for its turn to work.
    private var awaitsTurn = false
    /// What the connection does when it has its turn.
    private var work: Work = []
    var alarm: TimerHandle?
    var confirmations = ConfirmationSchedule()

    /// The hub's client.
    var client: WireClient
    /// Whether the hub's client belongs to a `HeldLease` now: it outlives this connection and ends with the lease. The next
    /// request gets another client of the hub.
    var clientBelongsToLease = false
    /// Whether that lease has ended, and with it the hub's client.
    var leaseIsOver = false
    /// The principal of the hub's client that was given to the last lease; nil for none.
    var principalOfLease: ChannelName?
    /// The lease whose token the HTTP client's kernel has not confirmed.
    var undelivered: HeldLease?
    /// The credentials with which the hub's client has authenticated; nil for none.
    var credentials: Credentials?
    /// The credentials that the hub is about to check; nil for none.
    var offeredCredentials: Credentials?
    /// Whether the hub would take the body that is arriving, as far as that is known before it has arrived.
    var awaitsBody = false
    var exchange: (any Exchange)?
    var stream: StreamedResponse?
    var webSocket: WebSocketFrames?
    /// Whether nothing has arrived from the WebSocket's client since the last ping.
    var awaitsPong = false
    /// Whether the last reply to the WebSocket's client was an error.
    var lastReplyIsError = false
    /// The head of the current request; nil between requests.
    var request: RequestHead?
    /// Whether a request has arrived.
    private(set) var hasServed = false
    /// Whether the connection ends after the response.
    var isLast = false

    init(_ client: WireClient, of door: WebDoor) {
        self.client = client
        self.door = door
        reactor = client.reactor
    }

    /// Starts to serve the client.
    func begin(_ accepted: consuming DetachedSocket) {
        owner = self
        socket.open(accepted, on: reactor, ownedBy: self)
        listenToClient()
        setAlarm(after: Timeouts.idle)
        settle()
    }

    // MARK: The reactor's calls

    override var socketGroup: Int? { client.holder.number }
    override func socketIsReadable() { waitForTurn(to: .read) }
    override func socketIsWritable() { waitForTurn(to: .write) }
    override func socketIsUnwatchable() { hangUp(isBroken: true) }

    /// Works when the connection has its turn. So the connections of the door together do not make other clients wait.
    ///
    /// - Parameter waits: whether other connections have their turn first in any case.
    private func waitForTurn(to work: Work, waiting waits: Bool = false) {
        guard isOpen, !self.work.contains(work) else { return }
        self.work.insert(work)
        if !awaitsTurn {
            awaitsTurn = true
            if client.takeTurn(self, waiting: waits) { return }
        }
        // The kernel need not report again what the connection knows already. Replies need no such call: the connection
        // usually takes them before the next poll.
        if work != .takeReplies { settle() }
    }

    func hasTurn() {
        awaitsTurn = false
        if work.remove(.write) != nil, isOpen { write() }
        if work.remove(.read) != nil, isOpen { read() }
        if work.remove(.serve) != nil, isOpen { serveInput() }
        if work.remove(.takeReplies) != nil, isOpen { takeReplies() }
        if work.remove(.handleAlarm) != nil, isOpen { alarmFires() }
        settle()
    }

    private func read() {
        withUnsafeTemporaryAllocation(byteCount: mostRead, alignment: 1) { buffer in
            // TLS may hold more input, which the kernel does not report.
            repeat {
                switch socket.tryRead(into: buffer) {
                case .bytes(let count): receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                case .endOfStream: return hangUp(isBroken: false)
                case .wouldBlock: return
                case .failed: return hangUp(isBroken: true)
                }
            } while isOpen && socket.hasBufferedInput && mayRead
        }
    }

    private var mostRead: Int {
        switch phase {
        case .head, .body, .authenticating: client.mustAuthenticate ? Self.mostReadOfStranger : Self.mostRead
        case .waiting, .changingLease, .delivering, .acknowledging, .streaming, .upgrading, .webSocket, .lingering,
            .closed:
            Self.mostRead
        }
    }

    /// Soon reads input that TLS holds, because the kernel does not report it.
    private func readLater() {
        guard !isReadPosted else { return }
        isReadPosted = true
        reactor.post { [self] in
            isReadPosted = false
            socketIsReadable()
        }
    }

    private func write() {
        guard socket.sendRest() else { return hangUp(isBroken: true) }
        flush()
        if isOpen, !hasOutput { serveInput() }
        if isOpen, !clientBelongsToLease, takesReplies, client.untakenBytes > 0 || client.isEnded { takeReplies() }
    }

    /// Listens to a new client of the hub. It is told whether a channel keeps a message, which is the status 202.
    func listenToClient() {
        client.understand([.kept])
        client.whenChanged = { [self] in waitForTurn(to: .takeReplies, waiting: true) }
    }

    /// Takes the replies of the hub, as many as the HTTP client has room for and the turn has time for.
    private func takeReplies() {
        var hasAll = false
        while isOpen, !clientBelongsToLease, takesReplies, !hasAll {
            hasAll = !receiveNextReply()
            // If the kernel takes all of the output at once, it reports nothing later that would continue this.
            if isOpen, !takesReplies { flush() }
            if !hasAll, isOpen, client.isTurnOver {
                waitForTurn(to: .takeReplies, waiting: true)
                break
            }
        }
        if hasAll, client.isEnded { clientHasEnded() }
        if !output.isEmpty, isOpen { flush() }
    }

    /// Handles a time that has passed, when the connection has its turn: many connections may have the same one.
    func alarmIsDue() { waitForTurn(to: .handleAlarm) }
    func forgetAlarm() { work.remove(.handleAlarm) }

    /// Takes the next reply of the hub. Returns false if there is none.
    private func receiveNextReply() -> Bool {
        if case .webSocket = phase { return forwardReply() }
        guard let (tag, reply) = client.nextReply() else { return false }
        receive(reply, tag)
        return true
    }

    var isOpen: Bool { if case .closed = phase { false } else { true } }

    // MARK: Input

    private func receive(_ bytes: UnsafeRawBufferPointer) {
        switch phase {
        // Nothing follows the response.
        case .lingering, .streaming: return
        case .webSocket: return receiveFrames(bytes)
        default: break
        }
        let isFirst = input.isEmpty
        input.receive(bytes)
        switch phase {
        case .head: if isFirst { setAlarm(after: door.hub.limits.lineTimeout) }
        case .body: setAlarm(after: door.hub.limits.lineTimeout)
        // The segment of the next request confirms the response, usually much earlier than the next check.
        case .delivering: checkConfirmation()
        case .authenticating, .waiting, .changingLease, .acknowledging, .streaming, .upgrading, .webSocket, .lingering,
            .closed:
            break
        }
        serveInput()
    }

    /// Serves the requests that have arrived, until one has to wait, or other connections have their turn.
    func serveInput() {
        do throws(Refusal) {
            var left = Self.mostRequestsOfTurn
            while try serveNext() {
                left -= 1
                if left == 0 { return waitForTurn(to: .serve, waiting: true) }
            }
        } catch {
            respond(Response(error), isLast: true)
        }
    }

    /// Serves the next head or body. Returns whether another one may be complete.
    private func serveNext() throws(Refusal) -> Bool {
        switch phase {
        // A client that does not read its responses gets no further ones.
        case .head: return hasOutput ? false : try serveHead()
        case .body(let route):
            guard let body = try input.nextBody() else {
                if !awaitsBody { prepareForBody(of: route) }
                return false
            }
            phase = .head
            serve(route, body)
            return true
        case .authenticating, .waiting, .changingLease, .delivering, .acknowledging, .streaming, .upgrading, .webSocket,
            .lingering, .closed:
            return false
        }
    }

    private func serveHead() throws(Refusal) -> Bool {
        request = nil
        guard let head = try input.nextHead() else { return false }
        hasServed = true
        request = head
        isLast = isLast || !head.keepsAlive
        do throws(Refusal) {
            try door.rules.check(head)
            let route = try Route(head)
            guard head.hasBody else {
                serve(route, [])
                return true
            }
            try input.beginBody(of: head, atMost: door.hub.limits.wire.maxBodyBytes)
            phase = .body(route)
            awaitsBody = false
        } catch {
            // The body would have to be read before a further request.
            respond(Response(error), isLast: head.hasBody || error.status == .forbidden)
        }
        return true
    }

    private var mayRead: Bool {
        if awaitsTurn { return false }
        return switch phase {
        case .head: !hasOutput || input.hasRoomAhead
        case .body, .streaming, .lingering: true
        case .authenticating: input.isEmpty
        case .waiting, .changingLease, .delivering, .acknowledging, .upgrading: input.hasRoomAhead
        case .webSocket: output.count < Self.mostPendingBytes && client.unreadBytes < Self.mostPendingBytes
        case .closed: false
        }
    }

    /// Updates what is watched and what is charged to the current state. Called after every change.
    func settle() {
        guard isOpen else { return }
        input.releaseMemory()
        let isReading = mayRead && !socket.isClogged
        socket.watch(reading: isReading, writing: !output.isEmpty && !work.contains(.write))
        if isReading, socket.hasBufferedInput { readLater() }
        let hasAlarm = alarm != nil || work.contains(.handleAlarm)
        if !isReading, !hasAlarm || isWaitingForHub { setAlarm(after: Timeouts.probe) }
        // The strings of a head take about twice its bytes.
        var held = input.heldBytes + output.heldBytes + 2 * (request?.byteCount ?? 0) + client.untakenBytes
        held += stream?.source.heldBytes ?? 0
        if let webSocket { held += webSocket.heldBytes + client.unreadBytes }
        // Nobody could be charged, and the message has returned to its channel.
        if leaseIsOver, held >= Self.leastCharged { return hangUp(isBroken: true) }
        client.heldBytes = held < Self.leastCharged ? 0 : held
    }

    // MARK: The end

    /// Ends the connection after the last response.
    func linger() {
        phase = .lingering
        stream = nil
        webSocket = nil
        input.discard()
        endClient()
        if hasOutput { setAlarm(after: door.hub.limits.stallTimeout) } else { finishWriting() }
    }

    func finishWriting() {
        socket.finishWriting()
        setAlarm(after: Timeouts.linger)
    }

    /// Ends the connection because the HTTP client has hung up.
    ///
    /// - Parameter isBroken: whether the client may have lost some of the output.
    func hangUp(isBroken: Bool) {
        guard isOpen else { return }
        // The caller, which may be the reactor, uses the connection until it returns.
        reactor.post { [owner] in withExtendedLifetime(owner) {} }
        owner = nil
        // A proxy may reset a connection as soon as it has read the response. The kernel still says what was confirmed.
        let isConfirmed = !hasOutput && socket.isOutputConfirmed
        if case .delivering = phase, isConfirmed {
            phase = .acknowledging
            undelivered = nil
            sendLastCommand()
        }
        if case .streaming = phase, isConfirmed { acknowledgeEvents() }
        switch phase {
        case .streaming: endClient(breakingOff: stream?.hasUnconfirmed == true)
        case .waiting, .delivering, .upgrading, .webSocket: endClient(breakingOff: true)
        case .head, .body, .authenticating, .changingLease, .acknowledging, .lingering, .closed: endClient()
        }
        phase = .closed
        exchange = nil
        stream = nil
        webSocket = nil
        cancelAlarm()
        socket.close(discardingOutput: isBroken)
        door.connectionHasEnded()
    }

    /// Ends the hub's client, unless it belongs to a lease whose token the HTTP client has.
    func endClient(breakingOff breaksOff: Bool = false) {
        undelivered?.breakOff()
        undelivered = nil
        guard !clientBelongsToLease else {
            client.heldBytes = 0
            return
        }
        if breaksOff { client.breakOff() } else { client.finish() }
    }
}
