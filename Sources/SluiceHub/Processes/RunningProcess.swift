import SluiceRuntime
import SluiceWire

/// One run of a built-in process, from its start to its failure: who it is among the clients, and what it has done.
struct RunningProcess: Sendable {
    /// A process holds a message for as long as it takes. It needs no term: it cannot vanish without its hub, and gives
    /// everything back when it fails.
    static let lease = Limits.maxDuration

    let client: InProcessClient
    private let status: ProcessStatus

    init(_ client: InProcessClient, _ status: ProcessStatus) {
        self.client = client
        self.status = status
    }

    /// Does the work until that fails, or the task is cancelled.
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

    /// The time by the clock of the hub's reactor, on which the process runs.
    var nowNanoseconds: UInt64 { client.hub.timekeeper.nowNanoseconds }

    /// Receives a message, and acknowledges it once `deal` has returned. When that throws, it goes back to where it stood.
    func receive(from source: HubChannel, _ deal: (LeasedMessage) async throws -> Void) async throws {
        guard let message = try await source.receive(lease: Self.lease) else { throw source.closedError }
        try await deal(message)
        try finish(message)
    }

    /// The message has got to where it should.
    func finish(_ message: LeasedMessage) throws(SluiceError) {
        try message.acknowledge()
        count()
    }

    /// Counts a message that was dealt with.
    func count() { status.update { $0.messages += 1 } }
}

extension HubChannel {
    /// What a process fails with that has nothing more to receive.
    var closedError: SluiceError { SluiceError(.closed, "channel '\(name)' is closed") }
}
