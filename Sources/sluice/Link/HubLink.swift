import Glibc
import SluiceClient
import SluiceRuntime
import SluiceWire

/// A conversation with a hub in which any number of commands are pending. On the reactor's thread only.
final class HubLink: @unchecked Sendable {
    // Sendable: see above.

    /// What comes to whoever has asked.
    enum Answer {
        case reply(Reply)
        /// The connection is lost, and there will be no reply.
        case lost(Failure)
    }

    typealias Handler = (Answer) -> Void

    private struct Pending {
        /// Whether messages or data precede the final reply.
        let isStream: Bool
        let handler: Handler
    }

    private static let connectTimeout = Duration.seconds(10)

    let place: HubPlace
    let reactor: Reactor
    private let connection: LineConnection
    /// The longest message that the hub takes.
    private(set) var maxBodyBytes = Limits().maxBodyBytes
    /// How many commands may be pending.
    private(set) var maxPending = Limits().maxPendingTags
    private(set) var epoch: String?

    /// By the number that is the tag.
    private var pending: [Pending?] = []
    private var freeTags: [Int] = []
    private var tags: [Tag?] = []
    private var pendingCount = 0

    private var output: [UInt8] = []
    private let outputGate: Gate
    private let settledGate: Gate
    private var isFinishing = false
    private(set) var loss: Failure?
    private var lossReactions: [(Failure) -> Void] = []

    private init(_ connection: LineConnection, _ place: HubPlace, on reactor: Reactor) {
        self.connection = connection
        self.place = place
        self.reactor = reactor
        outputGate = Gate("something to send", on: reactor)
        settledGate = Gate("the last replies", on: reactor)
    }

    /// Connects, says who is there, and learns what the hub permits.
    static func open(_ place: HubPlace, in session: Session) async throws -> HubLink {
        let connection: LineConnection
        do throws(SluiceError) {
            connection = try await LineConnection.connect(to: place.address, timeout: connectTimeout)
        } catch {
            throw Failure(error.code == .timedOut ? "\(place.address) does not answer" : error.message)
        }
        let link = HubLink(connection, place, on: session.reactor)
        session.reactor.spawn("replies") { await link.read() }
        session.reactor.spawn("requests") { await link.write() }
        try await link.greet()
        return link
    }

    private func greet() async throws {
        if let credentials = place.credentials { _ = try await settled(.authenticate(credentials)) }
        for attribute in try await settled(.hello) {
            switch attribute.key {
            case .version where attribute.value != "1":
                throw Failure("\(place.address) speaks version \(attribute.value) of the protocol, and this is for 1")
            case .maxBody: maxBodyBytes = Int(attribute.value) ?? maxBodyBytes
            case .maxTags: maxPending = Int(attribute.value) ?? maxPending
            case .epoch: epoch = attribute.value
            default: break
            }
        }
        if let label = place.label { _ = try await settled(.name(label)) }
    }

    // MARK: Asking

    /// Sends a command, and has `handler` called with what comes of it.
    ///
    /// - Parameter isStream: whether messages or data precede the final reply.
    /// - Returns: what `cancel` takes.
    @discardableResult
    func request(_ command: Command, isStream: Bool = false, _ handler: @escaping Handler) -> Int {
        if let loss {
            handler(.lost(loss))
            return -1
        }
        let number: Int
        if let free = freeTags.popLast() {
            number = free
            pending[number] = Pending(isStream: isStream, handler: handler)
        } else {
            number = pending.count
            pending.append(Pending(isStream: isStream, handler: handler))
            tags.append(Tag("\(number)"))
        }
        pendingCount += 1
        enqueue(Request(tag: tags[number], command: command))
        return number
    }

    private func enqueue(_ request: Request) {
        request.append(to: &output)
        outputGate.open()
    }

    /// Withdraws a command; what comes of it, its handler is told.
    func cancel(_ number: Int) {
        guard pending.indices.contains(number), pending[number] != nil, let tag = tags[number] else { return }
        request(.cancel(tag)) { _ in }
    }

    /// Sends a command, and waits for its only reply.
    func ask(_ command: Command) async throws -> Reply {
        let gate = Gate("the reply to \(command.verb.rawValue)", on: reactor)
        var answer: Answer?
        request(command) {
            answer = $0
            gate.open()
        }
        while true {
            switch answer {
            case .reply(let reply): return reply
            case .lost(let failure): throw failure
            case nil: try await gate.wait()
            }
        }
    }

    /// Sends a command that can only be done or refused, and waits for that.
    @discardableResult
    func settled(_ command: Command) async throws -> Attributes {
        let reply = try await ask(command)
        guard case .ok(let attributes) = reply else { throw Failure(reply) }
        return attributes
    }

    // MARK: Ending

    /// Calls `reaction` when the connection is lost, after everything that is pending was told.
    func onLoss(_ reaction: @escaping (Failure) -> Void) {
        if let loss { return reaction(loss) }
        lossReactions.append(reaction)
    }

    /// Has everything that is pending withdrawn; the last replies still come.
    func finish() {
        isFinishing = true
        outputGate.open()
    }

    /// Waits until every command has had its last reply, or the connection is lost. Of one task at a time.
    func settle() async throws {
        while pendingCount > 0 { try await settledGate.wait() }
    }

    /// Says good-bye, and closes: whatever was an end of a channel leaves it in good order.
    func close() async {
        _ = try? await ask(.quit)
        connection.close()
    }

    // MARK: The conversation

    private func write() async {
        do {
            while true {
                if !output.isEmpty {
                    var bytes: [UInt8] = []
                    swap(&bytes, &output)
                    try await connection.send(encoded: bytes)
                } else if isFinishing {
                    return try connection.finishSending()
                } else {
                    try await outputGate.wait()
                }
            }
        } catch {
            // The reader learns of the end too, after the replies that came before it.
        }
    }

    private func read() async {
        do {
            while let (tag, reply) = try await connection.receive() { dispatch(tag, reply) }
            lose(Failure("the hub at \(place.address) has closed the connection"))
        } catch {
            lose(Failure("the hub at \(place.address) is lost: \(error)"))
        }
    }

    private func dispatch(_ tag: Tag?, _ reply: Reply) {
        guard let tag else {
            // Only what concerns the connection comes without a tag.
            return lose(Failure(reply))
        }
        guard let number = Int(tag.description), pending.indices.contains(number), let entry = pending[number] else {
            return
        }
        if !entry.isStream || reply.endsStream {
            pending[number] = nil
            freeTags.append(number)
            pendingCount -= 1
        }
        entry.handler(.reply(reply))
        if pendingCount == 0 { settledGate.open() }
    }

    private func lose(_ failure: Failure) {
        guard loss == nil else { return }
        loss = failure
        let entries = pending.compactMap(\.self)
        pending = []
        pendingCount = 0
        for entry in entries { entry.handler(.lost(failure)) }
        for reaction in lossReactions { reaction(failure) }
        lossReactions = []
        settledGate.open()
        connection.close()
    }
}

extension Reply {
    /// Whether it is the last one of a counted receive or a trace.
    fileprivate var endsStream: Bool {
        switch self {
        case .message, .data: false
        case .ok, .timeout, .closed, .poisoned, .cancelled, .maybe, .otherwise, .end, .error: true
        }
    }
}
