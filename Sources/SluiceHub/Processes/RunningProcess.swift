import SluiceRuntime
import SluiceWire

/// One run of a built-in process, from its start to its failure, as a client of the hub.
struct RunningProcess: Sendable {
    /// A lease without a practical limit. A process cannot disappear without its hub, and it returns its messages when
    /// it fails, so a lease never has to expire.
    static let lease = Limits.maxDuration

    let client: InProcessClient
    private let status: ProcessStatus

    init(_ client: InProcessClient, _ status: ProcessStatus) {
        self.client = client
        self.status = status
    }

    /// Does the work until it fails or the task is cancelled.
    func run(_ work: BuiltInProcess.Work) async throws {
        switch work {
        case .ticker(let to, let every): try await tick(to: channel(to), every: every)
        case .delay(let from, let to, let by): try await delay(from: channel(from), to: channel(to), by: by)
        case .echo(let from, let to): try await echo(from: channel(from), to: channel(to))
        case .merge(let from, let to): try await merge(from: channels(from), to: channel(to))
        case .split(let from, let to): try await split(from: channel(from), to: channels(to))
        case .broadcast(let from, let to): try await broadcast(from: channel(from), to: channels(to))
        case .filter(let from, let to, let prefix):
            try await filter(from: channel(from), to: channel(to), prefix: prefix)
        case .rateLimit(let from, let to, let every):
            try await limitRate(from: channel(from), to: channel(to), every: every)
        case .sieve(let to, let upTo): try await sieve(to: channel(to), upTo: upTo)
        }
    }

    private func channel(_ name: String) throws(SluiceError) -> HubChannel { try client.channel(name) }

    private func channels(_ names: [String]) throws(SluiceError) -> [HubChannel] {
        try names.map { name throws(SluiceError) in try channel(name) }
    }

    // MARK: Parts of processes

    /// The time of the clock of the hub's reactor, on which the process runs.
    var nowNanoseconds: UInt64 { client.hub.timekeeper.nowNanoseconds }

    /// Receives a message, and lets `handle` finish it. If `handle` throws, the message goes back to where it stood.
    func receive(from source: HubChannel, _ handle: (LeasedMessage) async throws -> Void) async throws {
        guard let message = try await source.receive(lease: Self.lease) else { throw source.closedError }
        try await handle(message)
    }

    /// Sends a message with its trace context to `target`, and finishes it. A call is answered with the answer from `target`.
    func pass(_ message: LeasedMessage, to target: HubChannel) async throws {
        guard message.wantsAnswer else {
            try await target.send(message.bytes, trace: message.trace)
            return try finish(message)
        }
        guard let answer = try await target.call(message.bytes, trace: message.trace) else {
            return try finish(message)
        }
        try message.answer(answer)
        count()
    }

    /// Acknowledges a message that was passed on.
    func finish(_ message: LeasedMessage) throws(SluiceError) {
        try message.acknowledge()
        count()
    }

    /// Counts a message that was handled.
    func count() { status.update { $0.messages += 1 } }
}

extension HubChannel {
    /// The error of a process whose source is closed.
    var closedError: SluiceError { SluiceError(.closed, "channel '\(name)' is closed") }
}
