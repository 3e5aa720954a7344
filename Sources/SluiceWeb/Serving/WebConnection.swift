import SluiceHub
import SluiceRuntime
import SluiceWire

/// One HTTP connection: its socket, its present request, and the hub's client for it. Used only on its reactor's thread.
///
/// Like a `Connection` of the line protocol, it has no task: the reactor calls it when its socket is ready, and the hub's
/// client calls it when there are replies. It keeps reading while a request waits, so it notices at once that the client
/// has hung up. Requests are served one after the other; what a client sends ahead waits.
final class WebConnection: SocketOwner, @unchecked Sendable {
    // Sendable: everything is used only on the reactor's thread.

    /// The most bytes that are read ahead of the present request.
    private static let bytesAhead = RequestHead.maxBytes
    /// What is not worth charging.
    private static let leastCharged = 4 << 10

    let door: WebDoor
    let reactor: Reactor
    private var socket = PolledSocket()
    /// Keeps the connection alive as long as the socket is open. The reactor does not retain the owner of a socket.
    private var owner: WebConnection?
    var phase = Phase.head
    /// Input that no request has taken.
    private(set) var input: [UInt8] = []
    /// The bytes of the input that were searched for the end of a head.
    private var searchedBytes = 0
    var output: [UInt8] = []
    /// The bytes of the output that were written.
    private var writtenBytes = 0
    private var isReadPosted = false
    private var alarm: TimerHandle?
    private var confirmations = ConfirmationSchedule()

    /// The hub's client.
    var client: WireClient
    /// Whether a lease has taken the client. The next request gets another one.
    var hasGivenClientAway = false
    /// The lease whose token the client's kernel has not confirmed.
    var undelivered: HeldLease?
    /// With what the client has authenticated; nil for nothing.
    var credentials: Credentials?
    /// With what the client is about to authenticate.
    var offeredCredentials: Credentials?
    var exchange: (any Exchange)?
    /// The head of the present request.
    private(set) var request: RequestHead?
    /// Whether a request has arrived.
    private(set) var hasServed = false
    /// Whether the connection ends after the response.
    var isLast = false
    var streamStage = StreamStage.waiting

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

    override var socketGroup: ObjectIdentifier? { client.holder }
    override func socketIsReadable() {
        guard isOpen else { return }
        withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 1) { buffer in
            // TLS may hold more input, of which the kernel does not know.
            repeat {
                switch socket.tryRead(into: buffer) {
                case .bytes(let count): receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                case .endOfStream: return hangUp(isBroken: false)
                case .wouldBlock: return
                case .failed: return hangUp(isBroken: true)
                }
            } while isOpen && socket.hasBufferedInput && mayRead
        }
        settle()
    }

    /// Reads input that TLS holds, and of which the kernel does not know.
    private func readLater() {
        guard !isReadPosted else { return }
        isReadPosted = true
        reactor.post { [self] in
            isReadPosted = false
            socketIsReadable()
        }
    }

    override func socketIsWritable() {
        guard isOpen else { return }
        guard socket.sendRest() else { return hangUp(isBroken: true) }
        flush()
        if isOpen, !hasOutput { serveInput() }
        settle()
    }

    override func socketIsUnwatchable() { hangUp(isBroken: true) }

    func listenToClient() { client.whenChanged = { [self] in hubHasReplied() } }

    private func hubHasReplied() {
        while isOpen, !hasGivenClientAway, let next = client.nextTaggedReply() { receive(next.reply, tag: next.tag) }
        if isOpen, !hasGivenClientAway, client.isEnded { clientHasEnded() }
        settle()
    }

    var isOpen: Bool { if case .closed = phase { false } else { true } }

    // MARK: Input

    private func receive(_ bytes: UnsafeRawBufferPointer) {
        if case .lingering = phase { return }
        let isFirst = input.isEmpty
        input += bytes
        switch phase {
        case .head: if isFirst { setAlarm(after: door.hub.limits.lineTimeout) }
        case .body: setAlarm(after: door.hub.limits.lineTimeout)
        case .waiting, .acting, .delivering, .concluding, .streaming, .lingering, .closed: break
        }
        serveInput()
    }

    /// Serves the requests that have arrived, until one has to wait.
    func serveInput() {
        do throws(Refusal) {
            while try serveNext() {}
        } catch {
            respond(Response(error), isLast: true)
        }
    }

    /// Returns whether another request may be complete.
    private func serveNext() throws(Refusal) -> Bool {
        switch phase {
        // A client that does not read its responses gets no further ones.
        case .head: return hasOutput ? false : try serveHead()
        case .body(let head, let route):
            guard input.count >= head.contentLength else { return false }
            let body = input.prefix(head.contentLength)
            input = Array(input.dropFirst(head.contentLength))
            phase = .head
            serve(route, body)
            return true
        case .waiting, .acting, .delivering, .concluding, .streaming, .lingering, .closed: return false
        }
    }

    private func serveHead() throws(Refusal) -> Bool {
        // Some clients send a line end behind a body.
        while searchedBytes == 0, input.starts(with: [0x0D, 0x0A]) { input.removeFirst(2) }
        let length = input.withUnsafeBytes { RequestHead.length(in: $0, from: searchedBytes) }
        guard let length, length <= RequestHead.maxBytes else {
            searchedBytes = input.count
            guard length == nil, input.count <= RequestHead.maxBytes else {
                throw Refusal(.headersTooLarge, "the head of a request has at most \(RequestHead.maxBytes) bytes")
            }
            return false
        }
        searchedBytes = 0
        hasServed = true
        request = nil
        let head = try RequestHead(input[..<length])
        input.removeFirst(length)
        request = head
        isLast = isLast || !head.keepsAlive
        do throws(Refusal) {
            try door.rules.check(head)
            return try begin(head, Route(head))
        } catch {
            // The body would have to be read before a further request.
            respond(Response(error), isLast: head.contentLength > 0 || error.status == .forbidden)
            return true
        }
    }

    private func begin(_ head: RequestHead, _ route: Route) throws(Refusal) -> Bool {
        let limit = door.hub.limits.wire.maxBodyBytes
        guard head.contentLength <= limit else {
            throw Refusal(.bodyTooLarge, "a message has at most \(limit) bytes")
        }
        guard head.contentLength > 0 else {
            serve(route, [])
            return true
        }
        phase = .body(head, route)
        setAlarm(after: door.hub.limits.lineTimeout)
        if head.expectsContinue, head.isHTTP1_1, input.isEmpty {
            output += Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
            flush()
        }
        return true
    }

    private var mayRead: Bool {
        switch phase {
        case .head: !hasOutput || input.count < Self.bytesAhead
        case .body, .lingering: true
        case .waiting, .acting, .delivering, .concluding, .streaming: input.count < Self.bytesAhead
        case .closed: false
        }
    }

    // MARK: Output

    /// Writes a response, and gets ready for the next request.
    ///
    /// - Parameter isLast: whether the connection ends after it.
    func respond(_ response: Response, isLast: Bool = false) {
        write(response, isLast: isLast)
        exchange = nil
        endRequest()
    }

    /// Writes a response whose exchange continues when the client's kernel has confirmed it.
    func deliver(_ response: Response) {
        write(response)
        guard isOpen else { return }
        phase = .delivering
        confirmations = ConfirmationSchedule()
        checkConfirmation()
    }

    private func write(_ response: Response, isLast: Bool = false) {
        self.isLast = self.isLast || isLast || response.closes || request == nil
        output += response.bytes(
            keepingAlive: !self.isLast, announcingIt: request?.isHTTP1_1 == false,
            omittingBody: request?.method == "HEAD")
        flush()
    }

    /// Gets ready for the next request.
    func endRequest() {
        guard isOpen else { return }
        if isLast { return linger() }
        phase = .head
        request = nil
        setAlarmBetweenRequests()
    }

    func flush() {
        while writtenBytes < output.count {
            let attempt = output.withUnsafeBytes {
                socket.tryWrite(UnsafeRawBufferPointer(rebasing: $0[writtenBytes...]))
            }
            switch attempt {
            case .bytes(let count):
                writtenBytes += count
                if writtenBytes < output.count { setAlarm(after: door.hub.limits.stallTimeout) }
            case .wouldBlock: return
            case .failed: return hangUp(isBroken: true)
            }
        }
        output.removeAll(keepingCapacity: output.count <= Self.leastCharged)
        writtenBytes = 0
        switch phase {
        case .delivering: checkConfirmation()
        case .lingering: finishWriting()
        case .head: setAlarmBetweenRequests()
        case .streaming: streamIsTaken()
        case .body, .waiting, .acting, .concluding, .closed: break
        }
    }

    var hasOutput: Bool { writtenBytes < output.count || socket.hasUnsentOutput }

    /// Continues the exchange if the client's kernel has confirmed the response, or looks again soon.
    private func checkConfirmation() {
        guard !hasOutput else { return setAlarm(after: door.hub.limits.stallTimeout) }
        guard socket.failure == nil else { return hangUp(isBroken: true) }
        guard socket.isOutputConfirmed else {
            guard let delay = confirmations.next() else { return hangUp(isBroken: true) }
            return setAlarm(after: delay)
        }
        responseIsConfirmed()
    }

    // MARK: Time

    private func setAlarmBetweenRequests() {
        let limits = door.hub.limits
        setAlarm(after: hasOutput ? limits.stallTimeout : input.isEmpty ? Timeouts.idle : limits.lineTimeout)
    }

    func setAlarm(after delay: Duration) {
        cancelAlarm()
        alarm = reactor.call(after: delay) { [self] in
            alarm = nil
            alarmFires()
            settle()
        }
    }

    func cancelAlarm() {
        if let alarm { reactor.cancelTimer(alarm) }
        alarm = nil
    }

    private func alarmFires() {
        switch phase {
        case .head where input.isEmpty && !hasOutput: hangUp(isBroken: false)
        case .head where hasOutput: hangUp(isBroken: true)
        case .head, .body:
            request = nil
            respond(Response(.requestTimeout, "the request took too long to arrive"), isLast: true)
        case .streaming where hasOutput: hangUp(isBroken: true)
        case .streaming where streamStage == .pausing: proceed()
        case .waiting, .acting, .concluding, .streaming:
            // The input is not read, so only this notices that the client has hung up.
            if socket.failure != nil || socket.hasInputEnded { hangUp(isBroken: true) }
        case .delivering: if hasOutput { hangUp(isBroken: true) } else { checkConfirmation() }
        case .lingering: hangUp(isBroken: hasOutput)
        case .closed: break
        }
    }

    /// Brings what is watched and charged into line with the state.
    func settle() {
        guard isOpen else { return }
        // Releases the memory of a long body.
        if input.isEmpty { input = [] }
        let isReading = mayRead && !socket.isClogged
        socket.watch(reading: isReading, writing: writtenBytes < output.count)
        if isReading, socket.hasBufferedInput { readLater() }
        if !isReading, alarm == nil { setAlarm(after: Timeouts.probe) }
        guard !hasGivenClientAway else { return }
        // The strings of a head take about twice its bytes.
        let held = input.count + output.count + 2 * (request?.byteCount ?? 0) + (exchange?.heldBytes ?? 0)
        client.heldBytes = held < Self.leastCharged ? 0 : held
    }

    // MARK: The end

    /// Ends the connection after the last response.
    func linger() {
        phase = .lingering
        input = []
        endClient()
        if hasOutput { setAlarm(after: door.hub.limits.stallTimeout) } else { finishWriting() }
    }

    private func finishWriting() {
        socket.finishWriting()
        setAlarm(after: Timeouts.linger)
    }

    /// Ends the connection because the client has ended it.
    ///
    /// - Parameter isBroken: whether the client may have lost what was written.
    private func hangUp(isBroken: Bool) {
        guard isOpen else { return }
        // The caller, which may be the reactor, uses the connection until it returns.
        reactor.post { [owner] in withExtendedLifetime(owner) {} }
        owner = nil
        if case .delivering = phase, !isBroken, !hasOutput, socket.isOutputConfirmed {
            phase = .concluding
            undelivered = nil
            sendLastCommand()
        }
        switch phase {
        case .waiting, .delivering, .streaming: endClient(breakingOff: true)
        case .head, .body, .acting, .concluding, .lingering, .closed: endClient()
        }
        phase = .closed
        exchange = nil
        cancelAlarm()
        socket.close(discardingOutput: isBroken)
        door.connectionHasEnded()
    }

    /// Ends the hub's client, unless a lease has taken it and the client of the door has its token.
    private func endClient(breakingOff breaksOff: Bool = false) {
        undelivered?.breakOff()
        undelivered = nil
        guard !hasGivenClientAway else { return }
        if breaksOff { client.breakOff() } else { client.finish() }
    }
}
