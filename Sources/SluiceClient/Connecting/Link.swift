import SluiceRuntime
import SluiceWire
import Synchronization

/// Where a client's conversation meets its connections: its green task makes one after the other and reads from it; what is to
/// be written is written in the turn after somebody has asked.
final class Link: EndOfTurn, @unchecked Sendable {
    // Sendable: `conversation`, `board` and `opening` are locked or safe; everything that changes besides belongs to the
    // reactor's thread.

    private static let readBytes = 64 << 10
    /// How long output waits at most for more from tasks that were told of their operations together.
    private static let patienceWithReturning = Duration.microseconds(500)
    /// How long the server may take to say good-bye.
    private static let farewellTimeout = Duration.seconds(2)

    let reactor: Reactor
    let board = StateBoard()
    private let address: String
    private let options: ClientOptions
    private let conversation: Lock<ClientConversation>
    /// Who waits for the first connection.
    private let opening = Lock<UnsafeContinuation<SluiceError?, Never>?>(nil)

    @exclusivity(unchecked) private var stream: Stream?
    /// What the kernel did not take at once, from `sent` on.
    @exclusivity(unchecked) private var unsent: [UInt8] = []
    @exclusivity(unchecked) private var sent = 0
    @exclusivity(unchecked) private var isDraining = false
    private var alarm: TimerHandle?
    /// Runs while the output waits for tasks that were told of their operations.
    private var patience: TimerHandle?
    private var failures = 0
    private var supervisor: GreenTask<Void>?
    /// Why there will be no other connection.
    private var end: SluiceError?

    init(to address: String, _ options: ClientOptions, on reactor: Reactor) throws(SluiceError) {
        self.address = address
        self.options = options
        self.reactor = reactor
        var label: ChannelName?
        if let name = options.label { label = try ChannelName(checking: name) }
        var credentials: Credentials?
        if let given = options.credentials {
            guard !given.token.isEmpty, given.token.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
                throw SluiceError(.misuse, "a token has at least one byte, and no space or control")
            }
            credentials = Credentials(try ChannelName(checking: given.principal), token: Body(given.token.utf8))
        }
        conversation = Lock(ClientConversation(label: label, credentials: credentials))
    }

    // MARK: For any thread

    /// Connects; returns why that failed, and nil once the server has let the client in.
    func open() async -> SluiceError? {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                opening.withLock { $0 = continuation }
                reactor.post { [self] in
                    supervisor = reactor.spawn("connection with \(address)") { [self] in await supervise() }
                    if end != nil { supervisor?.cancel() }
                }
            }
        } onCancel: {
            reactor.post { [self] in abandon(.operationCancelled) }
        }
    }

    /// Takes on an operation, which will be told how it goes.
    func submit(_ operation: Operation) {
        perform(conversation.withLock { [reactor] in $0.submit(operation) { reactor.nowNanoseconds } })
    }

    func cancel(_ operation: Operation) {
        perform(conversation.withLock { $0.cancel(operation) })
    }

    /// The connection is to end; what is pending is withdrawn.
    func close() {
        perform(conversation.withLock { $0.close() })
        reactor.post { [self] in
            end = end ?? .clientClosed
            guard stream != nil else { return abandon(.clientClosed) }
            _ = reactor.call(after: Self.farewellTimeout) { [weak self] in self?.abandon(.clientClosed) }
        }
    }

    private func perform(_ actions: ConversationActions) {
        if actions.needsFlush { askForFlush() }
        if actions.needsAlarm { reactor.post { [self] in setAlarm() } }
        actions.tell()
    }

    private func askForFlush() {
        // A task of the reactor's asks among others that are about to: one write for all of them.
        if reactor.isCurrent { reactor.atEndOfTurn(self) } else { reactor.post { [self] in flush() } }
    }

    func turnEnds() { flush() }

    private func opened(_ error: SluiceError?) {
        opening.withLock { $0.take() }?.resume(returning: error)
    }

    // MARK: The task

    private func supervise() async {
        // Taken off the loop's timers when the connection ends.
        let pulse = try? reactor.tick(every: options.keepAlive) { [weak self] _ in self?.checkLife() }
        while end == nil {
            do throws(SluiceError) {
                let stream = try await connect()
                try await converse(over: stream)
            } catch {
                disconnected(error)
            }
            guard end == nil, let backoff = options.reconnect else { break }
            let delay = backoff.delay(afterFailures: failures)
            failures += 1
            try? await sleep(for: delay)
        }
        pulse?.stop()
        if case .ended = board.state { return }
        disconnected(end ?? .clientClosed)
    }

    private func connect() async throws(SluiceError) -> Stream {
        var failure = SluiceError(.address, "'\(address)' has no address")
        for candidate in try await addresses() {
            do throws(SluiceError) {
                return try await Stream.connect(to: candidate, timeout: options.connectTimeout)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Looked up anew each time: a name may have come to stand for another machine.
    private func addresses() async throws(SluiceError) -> [SocketAddress] {
        let address = address
        // Elsewhere, because the look-up of a name blocks its thread.
        return try await Task.detached { () async -> Result<[SocketAddress], SluiceError> in
            Result { () throws(SluiceError) in try SocketAddress.resolve(address) }
        }.value.get()
    }

    /// Serves one connection, up to its end.
    private func converse(over stream: Stream) async throws(SluiceError) {
        self.stream = stream
        var reader = ReplyReader()
        perform(conversation.withLock { [reactor] in $0.connected(now: reactor.nowNanoseconds) })
        flush()
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readBytes, alignment: 16)
        defer { scratch.deallocate() }
        let greetingTimer = reactor.call(after: options.connectTimeout) { [weak self] in
            self?.giveUpUngreeted(stream)
        }
        defer { reactor.cancelTimer(greetingTimer) }
        while true {
            try await stream.waitReadable()
            switch stream.tryRead(into: scratch) {
            case .bytes(let count):
                let replies = try reader.read(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
                if !replies.isEmpty { try hear(replies) }
            case .endOfStream: throw .connectionLost
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
        if isExpecting, patience == nil {
            patience = reactor.call(after: Self.patienceWithReturning) { [weak self] in
                guard let self else { return }
                patience = nil
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
        if actions.needsFlush { askForFlush() }
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
        // Who waits for the first connection is told of its failure, and there is no second one.
        let isFirst = opening.withLock { $0 != nil }
        if end == nil, isFirst || options.reconnect == nil { end = error }
        let end = end
        perform(conversation.withLock { $0.lost(end: end) })
        board.show(end.map { .ended($0) } ?? .connecting(after: error))
        if let end { opened(end) }
    }

    // MARK: The reactor's calls

    private func abandon(_ error: SluiceError) {
        end = end ?? error
        stream?.close()
        supervisor?.cancel()
    }

    private func giveUpUngreeted(_ stream: Stream) {
        if case .connected = board.state { return }
        stream.close()
    }

    private func checkLife() {
        let (isAlive, actions) = conversation.withLock { [options, reactor] in
            $0.checkLife(patience: options.keepAlive, now: reactor.nowNanoseconds)
        }
        perform(actions)
        if !isAlive { stream?.close() }
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
        guard !unsent.isEmpty else { return }
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
                // The reader learns why.
                unsent = []
                sent = 0
                return stream.close()
            }
        }
    }

    private func drain(_ stream: Stream) async {
        while stream === self.stream, !unsent.isEmpty, (try? await stream.waitWritable()) != nil {
            if stream === self.stream { write(to: stream) }
        }
        isDraining = false
        flush()
    }
}
