public import SluiceRuntime
import SluiceWire

/// Somebody in the process of a hub who takes part in what its clients do: on the same channels, under the same rules,
/// by the same engine.
///
/// Any task may use it, on a reactor or off. What it waits for is seen by `WAITERS`, and who it is by `CLIENTS`. When
/// nobody refers to it any more, its leases go back and it has left its ends.
///
/// ```swift
/// let worker = hub.client("resizer")
/// while let job = try await worker.channel("jobs").receive(lease: .seconds(30)) {
///     try await resize(job.bytes)
///     try job.acknowledge()
/// }
/// ```
public final class InProcessClient: Sendable {
    let hub: Hub
    private let id: ConnectionID
    /// What the waits of its operations are withdrawn through.
    private let waits: OutsideWaitSource
    /// Whether the connection ends with the object; not so the one that all share.
    private let ownsConnection: Bool

    init(_ id: ConnectionID, called name: String, of hub: Hub, ownsConnection: Bool) {
        self.hub = hub
        self.id = id
        waits = OutsideWaitSource("the hub, as '\(name)'") { [weak hub] ticket, reason in
            let id = OperationID(slot: ticket.index, serial: ticket.serial)
            hub?.transactHere { $0.machine.withdraw(id, reason == .cancelled ? .cancelled : .timeout) }
        }
        self.ownsConnection = ownsConnection
    }

    deinit {
        if ownsConnection { hub.leave(local: id) }
    }

    /// A channel of the hub.
    ///
    /// - Throws: `.misuse` when `name` is no name: 1 to 200 bytes of `A-Z a-z 0-9 . _ : / -`, not beginning with `-`.
    public func channel(_ name: String) throws(SluiceError) -> HubChannel {
        HubChannel(try ChannelName(checking: name), for: self)
    }

    /// Waits until `parties` are at the barrier of that name, the caller included, and goes on together with them.
    ///
    /// - Parameter timeout: how long to wait at most; nil waits for ever.
    /// - Throws: `.timedOut`, `.cancelled`; `.refused` when others wait there for another number; `.misuse` as `channel`.
    public func barrier(_ name: String, parties: Int, timeout: Duration? = nil) async throws(SluiceError) {
        guard parties > 0 else { throw SluiceError(.misuse, "a barrier has at least one party") }
        let command = BarrierCommand(try ChannelName(checking: name), parties: parties, timeout: timeout)
        let reply = await perform(.barrier(command), .select)
        guard case .ok = reply else { throw reply.error }
    }

    // MARK: Operations

    /// Performs an operation that may have to wait.
    nonisolated(nonsending) func perform(_ operation: Command, _ side: WaitSide) async -> Reply {
        let verdict: LocalVerdict = await suspendTask(on: waits, side, timeout: nil) { continuation in
            begin(operation, continuation)
        }
        switch verdict {
        case .reply(let reply): return reply
        // It was not begun.
        case .withdrawn(.cancelled): return .cancelled(nil)
        case .withdrawn(.timedOut): return .timeout
        }
    }

    private func begin(
        _ operation: Command, _ continuation: UnsafeContinuation<LocalVerdict, Never>
    ) -> WaitTicket? {
        var outcome: Outcome?
        hub.transactHere { [id] state in
            let result = state.machine.apply(operation, by: Caller(connection: id, tag: nil))
            if case .parked(let operation) = result { state.wait(for: operation, continuation) }
            outcome = result
        }
        switch outcome {
        case .parked(let id): return WaitTicket(index: id.slot, serial: id.serial)
        case .done(let reply): continuation.resume(returning: .reply(reply))
        case nil: continuation.resume(returning: .withdrawn(.cancelled))
        }
        return nil
    }

    /// Performs an operation that never waits.
    func performAtOnce(_ operation: Command) throws(SluiceError) {
        var outcome: Outcome?
        hub.transactHere { [id] state in
            outcome = state.machine.apply(operation, by: Caller(connection: id, tag: nil))
        }
        guard case .done(let reply) = outcome else { return }
        guard case .ok = reply else { throw reply.error }
    }
}

/// The answer to an operation of this process.
enum LocalVerdict: WaitVerdict {
    case reply(Reply)
    case withdrawn(WithdrawalReason)
}

extension Hub {
    /// Joins the hub from within its process, under a name of its own.
    ///
    /// - Parameter name: what it is called in reports; a name as that of a channel, or it is not shown.
    public func client(_ name: String) -> InProcessClient {
        InProcessClient(enter(local: name), called: name, of: self, ownsConnection: true)
    }

    /// A channel of the hub, for code in its process: remote clients meet it there. All who come this way are one client,
    /// "in-process"; see `client` for one with a name.
    ///
    /// - Throws: `.misuse` when `name` is no name.
    public func channel(_ name: String) throws(SluiceError) -> HubChannel {
        try sharedClient.channel(name)
    }

    private var sharedClient: InProcessClient {
        InProcessClient(sharedConnection, called: "in-process", of: self, ownsConnection: false)
    }
}

extension ChannelName {
    init(checking name: String) throws(SluiceError) {
        guard let valid = ChannelName(name) else { throw SluiceError(.misuse, ChannelName.rule) }
        self = valid
    }
}

extension Reply {
    /// What a reply that is no success is as an error.
    var error: SluiceError {
        switch self {
        case .timeout: SluiceError(.timedOut, "the time ran out while waiting")
        case .cancelled(let reason): SluiceError(.cancelled, "the operation was withdrawn\(Self.clause(reason))")
        case .closed(let channel, let reason):
            SluiceError(.closed, "channel '\(channel)' is closed\(Self.clause(reason))")
        case .poisoned(let channel, let reason):
            SluiceError(.poisoned, "channel '\(channel)' was poisoned\(Self.clause(reason))")
        case .maybe(let reason):
            SluiceError(.inDoubt, "a receiver has the message, and has not said what becomes of it: \(reason)")
        case .error(let error): SluiceError(.refused, error.message)
        case .ok, .message, .data, .otherwise, .end: SluiceError(.misuse, "an unexpected answer")
        }
    }

    private static func clause(_ reason: String?) -> String { reason.map { ": \($0)" } ?? "" }
}
