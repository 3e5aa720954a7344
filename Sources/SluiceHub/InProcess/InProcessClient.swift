public import SluiceRuntime
import SluiceWire

/// A client of a hub in the hub's own process. It uses the same channels and the same engine as remote clients, under
/// the same rules.
///
/// Any task may use it, on a reactor or off. `WAITERS` shows its parked operations, and `CLIENTS` the client itself.
/// When the object is released, its leased messages are returned and the ends that it has joined are left.
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
    /// Withdraws the waits of the client's operations.
    private let waits: OutsideWaitSource
    /// Whether the connection ends with the object. The shared connection does not.
    private let ownsConnection: Bool

    init(_ id: ConnectionID, called name: String, of hub: Hub, ownsConnection: Bool) {
        self.hub = hub
        self.id = id
        waits = OutsideWaitSource("the hub, as '\(name)'") { [weak hub] ticket, reason in
            let id = OperationID(slot: ticket.index, serial: ticket.serial)
            hub?.transactFromAnywhere { $0.machine.withdraw(id, reason == .cancelled ? .cancelled : .timeout) }
        }
        self.ownsConnection = ownsConnection
    }

    deinit {
        if ownsConnection { hub.disconnect(local: id) }
    }

    /// Returns a channel of the hub.
    ///
    /// - Throws: `.misuse` if `name` is not a valid name: 1 to 200 bytes of `A-Z a-z 0-9 . _ : / -`, not beginning with
    ///   `-`.
    public func channel(_ name: String) throws(SluiceError) -> HubChannel {
        HubChannel(try ChannelName(checking: name), for: self)
    }

    /// Waits until `parties` clients, including this one, are at the barrier of that name.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without limit.
    /// - Throws: `.timedOut` or `.cancelled`; `.refused`, if other clients wait there for another number of parties;
    ///   `.misuse`, as `channel`.
    public func barrier(_ name: String, parties: Int, timeout: Duration? = nil) async throws(SluiceError) {
        guard parties > 0 else { throw SluiceError(.misuse, "parties must be at least 1") }
        let command = BarrierCommand(try ChannelName(checking: name), parties: parties, timeout: timeout)
        let reply = await perform(.barrier(command), .select)
        guard case .ok = reply else { throw reply.error }
    }

    // MARK: Operations

    /// Performs an operation, and waits for its reply.
    nonisolated(nonsending) func perform(_ operation: Command, _ side: WaitSide) async -> Reply {
        let verdict: LocalVerdict = await suspendTask(on: waits, side, timeout: nil) { continuation in
            begin(operation, continuation)
        }
        switch verdict {
        case .reply(let reply): return reply
        // The operation was not begun.
        case .withdrawn(.cancelled): return .cancelled(nil)
        case .withdrawn(.timedOut): return .timeout
        }
    }

    private func begin(
        _ operation: Command, _ continuation: UnsafeContinuation<LocalVerdict, Never>
    ) -> WaitTicket? {
        var outcome: Outcome?
        hub.transactFromAnywhere { [id] state in
            let result = state.machine.applyAtOnce(operation, by: Caller(connection: id, tag: nil))
            if case .parked(let operation) = result { state.wait(for: operation, continuation) }
            outcome = result
        }
        switch outcome {
        case .parked(let id): return WaitTicket(index: id.slot, serial: id.serial)
        case let ended:
            continuation.resume(returning: ended?.reply.map { .reply($0) } ?? .withdrawn(.cancelled))
            return nil
        }
    }

    /// Performs an operation that never parks.
    @discardableResult
    func performAtOnce(_ operation: Command) throws(SluiceError) -> Attributes {
        var outcome: Outcome?
        hub.transactFromAnywhere { [id] state in
            outcome = state.machine.applyAtOnce(operation, by: Caller(connection: id, tag: nil))
        }
        guard let reply = outcome?.reply else { return Attributes() }
        guard case .ok(let attributes) = reply else { throw reply.error }
        return attributes
    }
}

/// The result of an operation of an in-process client.
enum LocalVerdict: WaitVerdict {
    case reply(Reply)
    case withdrawn(WithdrawalReason)
}

extension Hub {
    /// Creates an in-process client.
    ///
    /// - Parameters:
    ///   - name: the client's name in reports; a name as valid as a channel's, or it is not shown.
    ///   - waitsForAll: whether the tasks that use the client wait for nothing but its pending operations. `STUCK` can
    ///     then prove that they are stuck.
    public func client(_ name: String, waitsForAll: Bool = false) -> InProcessClient {
        InProcessClient(enter(local: name, waitsForAll), called: name, of: self, ownsConnection: true)
    }

    /// Returns a channel of the hub, for code in its process. All users of this method share one client with the name
    /// "in-process"; `client` creates one with a name of its own.
    ///
    /// - Throws: `.misuse` if `name` is not a valid name.
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

extension TraceContext {
    init(checking trace: String) throws(SluiceError) {
        guard let valid = TraceContext(trace) else { throw SluiceError(.misuse, TraceContext.rule) }
        self = valid
    }
}

extension Reply {
    /// The error for a reply that is not a success.
    var error: SluiceError {
        switch self {
        case .timeout: SluiceError(.timedOut, "the time ran out while waiting")
        case .timeoutWithoutReceivers: .timedOutWithoutReceivers
        case .cancelled(let reason): SluiceError(.cancelled, "the operation was withdrawn\(Self.clause(reason))")
        case .closed(let channel, let reason, _):
            SluiceError(.closed, "channel '\(channel)' is closed\(Self.clause(reason))")
        case .poisoned(let channel, let reason, _):
            SluiceError(.poisoned, "channel '\(channel)' was poisoned\(Self.clause(reason))")
        case .rejected(let channel, let reason, _):
            SluiceError(.rejected, "a receiver on channel '\(channel)' has rejected the message\(Self.clause(reason))")
        case .maybe(let reason):
            SluiceError(.inDoubt, "a receiver has the message and has not acknowledged it: \(reason)")
        case .error(let error): SluiceError(.refused, error.message)
        case .ok, .message, .data, .otherwise, .end: SluiceError(.misuse, "the reply does not fit the operation")
        }
    }

    private static func clause(_ reason: String?) -> String { reason.map { ": \($0)" } ?? "" }
}
