import SluiceRuntime
import SluiceWire
import Synchronization

/// Connects a client's conversation to its server. A green task makes one connection after the other and reads from it.
/// Output is written at the end of the turn in which it was requested.
final class Link: EndOfTurn, @unchecked Sendable {
    // Sendable: `conversation`, `board` and `opening` are locked or constant. Everything else that changes belongs to the
    // reactor's thread.

    private static let readBytes = 64 << 10
    /// How long output waits for more of it from tasks that were told of their operations together.
    private static let longestGathering = Duration.microseconds(500)
    /// How long the server may take to answer `QUIT`.
    private static let farewellTimeout = Duration.seconds(2)

    let reactor: Reactor
    let board = StateBoard()
    /// The address without `sluices://`.
    private let address: String
    /// Nil without TLS.
    private let tls: TLSClientContext?
    private let options: ClientOptions
    private let conversation: Lock<ClientConversation>
    /// The task that waits for the first connection.
    private let opening = Lock<UnsafeContinuation<SluiceError?, Never>?>(nil)

    @exclusivity(unchecked) private var stream: Stream?
    /// Output that the kernel has not taken yet, from `sent` on.
    @exclusivity(unchecked) private var unsent: [UInt8] = []
    @exclusivity(unchecked) private var sent = 0
    @exclusivity(unchecked) private var isDraining = false
    private var alarm: TimerHandle?
    /// Runs while output waits for tasks that were told of their operations.
    private var gathering: TimerHandle?
    private var failures = 0
    private var supervisor: GreenTask<Void>?
    /// Checks several times in each `answerTimeout` whether the server still answers; see `checkLife`.
    private var lifeCheck: Ticker?
    /// How long the server may be silent while it owes an answer.
    private var answerTimeout: Duration
    /// Why there will be no other connection.
    private var end: SluiceError?
    /// Why this client itself has given up the current connection.
    private var givenUp: SluiceError?

    init(to address: String, _ options: ClientOptions, on reactor: Reactor) throws(SluiceError) {
        let location = ServerLocation(address)
        self.address = location.address
        self.options = options
        tls = try Self.context(options, location)
        self.reactor = reactor
        answerTimeout = options.answerTimeout
        guard options.answerTimeout >= .milliseconds(4) else {
            throw SluiceError(.misuse, "answerTimeout must be at least 4 ms, and is \(options.answerTimeout)")
        }
        var label: ChannelName?
        if let name = options.label { label = try ChannelName(checking: name) }
        var credentials: Credentials?
        if let given = options.credentials {
            guard !given.token.isEmpty, given.token.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
                throw SluiceError(.misuse, "a token must have at least one byte, and no spaces or control characters")
            }
            credentials = Credentials(try ChannelName(checking: given.principal), token: Body(given.token.utf8))
        }
        conversation = Lock(
            ClientConversation(label: label, credentials: credentials, reconnects: options.reconnect != nil))
    }

    private static func context(
        _ options: ClientOptions, _ location: ServerLocation
    ) throws(SluiceError) -> TLSClientContext? {
        guard var settings = options.tls ?? (location.usesTLS ? TLSClientContext.Options() : nil) else { return nil }
        if settings.applicationProtocols.isEmpty { settings.applicationProtocols = [sluiceApplicationProtocol] }
        return try TLSClientContext(settings)
    }

    // MARK: For any thread

    /// Connects. Returns nil once the server has accepted the client, or why it has not.
    func open() async -> SluiceError? {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                opening.withLock { $0 = continuation }
                reactor.post { [self] in
                    supervisor = reactor.spawn("connection to \(address)") { [self] in await supervise() }
                    if end != nil { supervisor?.cancel() }
                }
            }
        } onCancel: {
            reactor.post { [self] in abandon(.operationCancelled) }
        }
    }

    /// Accepts an operation, whose listener is told of its progress.
    func submit(_ operation: Operation) {
        perform(conversation.withLock { [reactor] in $0.submit(operation) { reactor.nowNanoseconds } })
    }

    func cancel(_ operation: Operation) {
        perform(conversation.withLock { $0.cancel(operation) })
    }

    func cancelAll(of pipeline: SendPipeline) {
        perform(conversation.withLock { $0.cancelAll(of: pipeline) })
    }

    /// Whether the connection of this number is the current one, and the server has accepted it.
    func isConnected(over connection: Int) -> Bool {
        conversation.withLock { $0.isReady && $0.connection == connection }
    }

    var greeting: ServerGreeting? { conversation.withLock { $0.greeting } }

    /// Withdraws what is pending, and ends the connection.
    func close() {
        perform(conversation.withLock { $0.close() })
        reactor.post { [self] in
            end = end ?? .clientClosed
            guard stream != nil else { return abandon(.clientClosed) }
            _ = reactor.call(after: Self.farewellTimeout) { [weak self] in self?.abandon(.clientClosed) }
        }
    }

    /// Lowers the time for which the server may be silent while it owes an answer.
    func limitSilence(to time: Duration) {
        reactor.post { [self] in
            guard time < answerTimeout else { return }
            answerTimeout = time
            if lifeCheck != nil { startLifeCheck() }
        }
    }

    private func perform(_ actions: ConversationActions) {
        if actions.needsFlush { requestFlush() }
        if actions.needsAlarm { reactor.post { [self] in setAlarm() } }
        actions.tell()
    }

    private func requestFlush() {
        // Other tasks of the reactor may be about to submit operations too: one write takes all of them.
        if reactor.isCurrent { reactor.atEndOfTurn(self) } else { reactor.post { [self] in flush() } }
    }

    func turnEnds() { flush() }

    private func opened(_ error: SluiceError?) {
        opening.withLock { $0.take() }?.resume(returning: error)
    }

    // MARK: The task

    private func supervise() async {
        startLifeCheck()
        while end == nil {
            do throws(SluiceError) {
                let stream = try await connect()
                try await converse(over: stream)
            } catch {
                // The reactor ends, and cancels its tasks.
                if error.code == .cancelled { end = end ?? .clientClosed }
                disconnected(givenUp ?? error)
            }
            guard end == nil, let backoff = options.reconnect else { break }
            let delay = backoff.delay(afterFailures: failures)
            failures += 1
            do { try await sleep(for: delay) } catch { break }
        }
        lifeCheck?.stop()
        lifeCheck = nil
        if case .ended = board.state { return }
        disconnected(end ?? .clientClosed)
    }

    private func startLifeCheck() {
        lifeCheck?.stop()
        lifeCheck = try? reactor.tick(every: answerTimeout / ClientConversation.checksForAnswer) { [weak self] _ in
            self?.checkLife()
        }
    }

    private var doesNotAnswer: SluiceError { SluiceError(.timedOut, "\(address) does not answer") }

    private func connect() async throws(SluiceError) -> Stream {
        let silence = (options.keepAlive ?? .seconds(30)) + options.answerTimeout
        let stream = try await Stream.connect(toAnyOf: address, within: options.connectTimeout, tls: tls)
        try stream.limitSilence(toSeconds: Int((silence / .seconds(1)).rounded(.up)))
        return stream
    }

    /// Serves one connection until it ends.
    private func converse(over stream: Stream) async throws(SluiceError) {
        self.stream = stream
        givenUp = nil
        var reader = ReplyReader()
        perform(conversation.withLock { [reactor] in $0.connected(now: reactor.nowNanoseconds) })
        flush()
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readBytes, alignment: 16)
        defer { scratch.deallocate() }
        let greetingTimer = reactor.call(after: options.connectTimeout) { [weak self] in
            guard let self else { return }
            if case .connected = board.state { return }
            giveUp(stream, doesNotAnswer)
        }
        defer { reactor.cancelTimer(greetingTimer) }
        while true {
            try await stream.waitReadable()
            switch stream.tryRead(into: scratch) {
            case .bytes(let count):
                let replies = try reader.read(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
                if !replies.isEmpty { try hear(replies) }
            case .endOfStream: throw SluiceError(.disconnected, "\(address) has closed the connection")
            case .wouldBlock: break
            case .failed(let errno): throw stream.failure(errno, "read from")
            }
        }
    }

    private func hear(_ replies: [(tag: Tag?, reply: Reply)]) throws(SluiceError) {
        let (actions, isExpecting) = conversation.withLock { [reactor] conversation in
            let actions = conversation.heard(replies) { reactor.nowNanoseconds }
            return (actions, conversation.returning > 0)
        }
        if isExpecting, gathering == nil {
            gathering = reactor.call(after: Self.longestGathering) { [weak self] in
                guard let self else { return }
                gathering = nil
                perform(conversation.withLock { $0.expectNobody() })
            }
        }
        switch actions.change {
        case .ready(let greeting):
            failures = 0
            board.show(.connected(greeting))
        case .broken, .rejected, .farewell, nil: break
        }
        actions.tell()
        if actions.needsFlush { requestFlush() }
        if actions.needsAlarm { setAlarm() }
        switch actions.change {
        case .ready: opened(nil)
        case .broken(let error): throw error
        case .rejected(let error):
            end = end ?? error
            throw error
        case .farewell:
            end = end ?? .clientClosed
            throw .clientClosed
        case nil: break
        }
    }

    private func disconnected(_ error: SluiceError) {
        stream?.close()
        stream = nil
        unsent = []
        sent = 0
        // A failure of the first connection ends the client: `open` reports it.
        let isFirst = opening.withLock { $0 != nil }
        if end == nil, isFirst || options.reconnect == nil { end = error }
        let end = end
        perform(conversation.withLock { $0.lost(end ?? error, isFinal: end != nil) })
        board.show(end.map { .ended($0) } ?? .connecting(after: error))
        if let end { opened(end) }
    }

    // MARK: The reactor's calls

    private func abandon(_ error: SluiceError) {
        end = end ?? error
        stream?.close()
        supervisor?.cancel()
    }

    private func giveUp(_ stream: Stream, _ error: SluiceError) {
        givenUp = error
        stream.close()
    }

    private func checkLife() {
        let (isAlive, actions) = conversation.withLock { [reactor, keepAlive = options.keepAlive] in
            $0.checkLife(keepAlive: keepAlive, now: reactor.nowNanoseconds)
        }
        perform(actions)
        if !isAlive, let stream { giveUp(stream, SluiceError(.disconnected, "\(address) does not answer any more")) }
    }

    private func setAlarm() {
        if let alarm { reactor.cancelTimer(alarm) }
        alarm = nil
        guard let deadline = conversation.withLock({ $0.nextDeadline }) else { return }
        let now = reactor.nowNanoseconds
        let wait = Duration.nanoseconds(Int64(clamping: deadline > now ? deadline - now : 0))
        alarm = reactor.call(after: wait) { [weak self] in
            guard let self else { return }
            perform(conversation.withLock { [reactor] in $0.expire(now: reactor.nowNanoseconds) })
            setAlarm()
        }
    }

    // MARK: Writing

    private func flush() {
        guard let stream, !isDraining else { return }
        if unsent.isEmpty { unsent = conversation.withLock { $0.takeOutput() } }
        write(to: stream)
        guard !unsent.isEmpty || stream.hasUnsentOutput else { return }
        isDraining = true
        reactor.spawn("output for \(address)") { [self] in await drain(stream) }
    }

    /// Writes as much as the kernel takes.
    private func write(to stream: Stream) {
        while !unsent.isEmpty {
            let attempt = unsent.withUnsafeBytes { stream.tryWrite(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            switch attempt {
            case .bytes(let count):
                sent += count
                guard sent == unsent.count else { continue }
                sent = 0
                unsent = conversation.withLock { $0.takeOutput() }
            case .wouldBlock: return
            case .failed:
                // The reader reports the cause.
                unsent = []
                sent = 0
                return stream.close()
            }
        }
    }

    private func drain(_ stream: Stream) async {
        while stream === self.stream, !unsent.isEmpty || stream.hasUnsentOutput,
            (try? await stream.waitWritable()) != nil
        {
            // The reader reports the cause if the connection is broken.
            guard stream === self.stream, (try? stream.sendRest()) != nil else { break }
            write(to: stream)
        }
        isDraining = false
        flush()
    }
}

/// The reactor for the connections of all clients of the process. It starts, on a thread of its own, with the first client.
enum ClientReactor {
    private static let started = Result<Reactor, SluiceError> { () throws(SluiceError) in
        let reactor = try Reactor(name: "sluice-client")
        try reactor.start()
        return reactor
    }

    static var shared: Reactor {
        get throws(SluiceError) { try started.get() }
    }
}
