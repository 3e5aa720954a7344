import SluiceRuntime
package import SluiceWire
import DequeModule
import Synchronization

/// A message that an intake has received, and the lease under which it came.
package struct IntakeMessage: Sendable {
    package let message: Message
    /// The lease on the message; nil when the intake receives without leases.
    package let delivery: LeasedDelivery?
}

/// Receives the messages of a channel ahead of their consumer, by counted receives, and bounds what it holds.
///
/// A client that stops reading its connection is disconnected by the hub after ten seconds, and holds up everything else on
/// that connection. So an intake never relies on the connection for backpressure. It asks for a further counted receive only
/// when the messages of the earlier ones have been released.
package final class Intake: Sendable {
    /// What an intake asks for.
    package struct Demand: Sendable {
        package var channel: ChannelName
        package var lease: Duration?
        /// How long to wait for each message.
        package var timeout: Duration?
        /// The number of messages to receive in all, besides those that are released without being counted; nil for no limit.
        package var total: Int?
        /// The most messages that may be requested or held and not yet released.
        package var window: Int
        /// The most bytes of messages that are held and not yet released, unless a single message is longer. Nil, for
        /// receives under a lease, leaves the window to the hub, which counts unacknowledged messages: the intake then
        /// makes a single request at a time. Nothing needs to be released without a `total`.
        package var windowBytes: Int?

        package init(
            channel: ChannelName, lease: Duration? = nil, timeout: Duration? = nil, total: Int? = nil, window: Int,
            windowBytes: Int? = Demand.defaultWindowBytes
        ) {
            self.channel = channel
            self.lease = lease
            self.timeout = timeout
            self.total = total
            self.window = max(window, 1)
            self.windowBytes = windowBytes
        }

        package static let defaultWindowBytes = 2 << 20
    }

    /// A counted receive that is pending.
    private final class Request: @unchecked Sendable {
        // Sendable: `remaining` is only used behind the lock of the intake.

        let operation: Operation
        /// How many messages it may still bring; nil for any number.
        var remaining: Int?

        init(_ command: ReceiveCommand, count: Int?) {
            operation = Operation(.receive(command))
            remaining = count
        }
    }

    private struct State {
        var hasBegun = false
        /// Messages that are still to be requested; nil for any number.
        var wanted: Int?
        var requests: [Request] = []
        /// Messages that the pending requests may still bring.
        var requested = 0
        /// Messages that the consumer has not taken yet.
        var arrived = Deque<IntakeMessage>()
        /// Messages that have come and are not released.
        var unreleased = 0
        var unreleasedBytes = 0
        /// The largest message of late, which estimates the size of the next ones.
        var typicalBytes: Int
        var isStopped = false
        var ending: OperationOutcome?
        var waiters: [UnsafeContinuation<Void, Never>] = []

        /// Whether messages may still arrive. One that is held may be released without being counted, and another requested.
        var isExpecting: Bool { !requests.isEmpty || (ending == nil && !isStopped && (wanted != 0 || unreleased > 0)) }

        mutating func takeWaiters() -> [UnsafeContinuation<Void, Never>] {
            guard !waiters.isEmpty, !arrived.isEmpty || !isExpecting else { return [] }
            defer { waiters = [] }
            return waiters
        }
    }

    private let client: Client
    private let demand: Demand
    /// Called with each message as it arrives, before the consumer can take it.
    private let onArrival: @Sendable (IntakeMessage) -> Void
    private let state: Lock<State>

    package init(
        _ demand: Demand, of client: Client, onArrival: @escaping @Sendable (IntakeMessage) -> Void = { _ in }
    ) {
        self.demand = demand
        self.client = client
        self.onArrival = onArrival
        state = Lock(State(wanted: demand.total, typicalBytes: (demand.windowBytes ?? 0) / 16))
    }

    /// Why no more messages come; nil while they do, when `total` have come, and after `stop`.
    package var ending: OperationOutcome? { state.withLock { $0.ending } }

    // MARK: Taking

    /// Takes all messages that have arrived, waiting for the first one; nil when no more come. They are held until they
    /// are released. When a `total` has arrived, returns nil only after all its messages have been released, because
    /// each that is released without being counted is replaced.
    package func nextBatch(atMost limit: Int = .max) async -> [IntakeMessage]? {
        begin()
        while true {
            let batch: [IntakeMessage]? = state.withLock { state in
                if state.arrived.isEmpty { return state.isExpecting ? [] : nil }
                defer { state.arrived.removeFirst(min(limit, state.arrived.count)) }
                return Array(state.arrived.prefix(limit))
            }
            guard let batch, batch.isEmpty else { return batch }
            await waitForChange()
        }
    }

    /// Takes the next message, waiting for it; nil when no more come. A message without a lease is released at once.
    package func next() async -> IntakeMessage? {
        begin()
        while true {
            let (message, isExpecting, requests) = state.withLock { state in
                let message = state.arrived.popFirst()
                if let message, message.delivery == nil { release(1, bytes: message.message.bytes.count, &state) }
                return (message, state.isExpecting, message == nil ? [] : takeRequests(&state))
            }
            submit(requests)
            if message != nil || !isExpecting { return message }
            await waitForChange()
        }
    }

    private func waitForChange() async {
        await withUnsafeContinuation { continuation in
            let waits = state.withLock { state in
                guard state.arrived.isEmpty, state.isExpecting else { return false }
                state.waiters.append(continuation)
                return true
            }
            if !waits { continuation.resume() }
        }
    }

    /// Releases messages that the consumer is done with, so that others may be requested.
    ///
    /// - Parameter counted: whether they count for the `total`. If not, as many others are requested in their place.
    package func release(_ count: Int, bytes: Int, counted: Bool = true) {
        let (requests, waiters) = state.withLock { state in
            release(count, bytes: bytes, &state)
            if !counted { state.wanted = state.wanted.map { $0 + count } }
            return (takeRequests(&state), state.takeWaiters())
        }
        submit(requests)
        for waiter in waiters { waiter.resume() }
    }

    private func release(_ count: Int, bytes: Int, _ state: inout State) {
        state.unreleased -= count
        state.unreleasedBytes -= bytes
    }

    /// Ends the intake once the messages that the hub has already committed to it have arrived.
    package func stop() {
        let (operations, waiters) = state.withLock { state in
            guard !state.isStopped else { return ([Operation](), [UnsafeContinuation<Void, Never>]()) }
            state.isStopped = true
            return (state.requests.map(\.operation), state.takeWaiters())
        }
        for operation in operations { client.link.cancel(operation) }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Requesting

    private func begin() {
        let requests = state.withLock { state in
            guard !state.hasBegun else { return [Request]() }
            state.hasBegun = true
            return takeRequests(&state)
        }
        submit(requests)
    }

    /// The counted receives to submit now.
    private func takeRequests(_ state: inout State) -> [Request] {
        var requests: [Request] = []
        while state.hasBegun, state.ending == nil, !state.isStopped, state.wanted != 0,
            let request = nextRequest(state)
        {
            state.wanted = state.wanted.map { $0 - (request.remaining ?? 0) }
            state.requested += request.remaining ?? 0
            state.requests.append(request)
            requests.append(request)
        }
        return requests
    }

    /// The next counted receive; nil when the window permits none.
    private func nextRequest(_ state: State) -> Request? {
        guard let windowBytes = demand.windowBytes else {
            guard state.requests.isEmpty else { return nil }
            // The hub counts the window for each request, so subtract the messages of earlier requests here.
            if state.unreleased == 0 { return request(for: state.wanted) }
            let free = min(demand.window - state.unreleased, state.wanted ?? .max)
            return free > 0 ? request(for: free) : nil
        }
        // Each receive has a time of its own: with two of them, the second would not know that the first got a message.
        if demand.timeout != nil, !state.requests.isEmpty { return nil }
        let fitting = max(1, (windowBytes - state.unreleasedBytes) / state.typicalBytes)
        let fits = state.unreleasedBytes < windowBytes || state.unreleased == 0
        let free = min(demand.window - state.unreleased, fits ? fitting : 0) - state.requested
        // Half the window at a time: the next half is requested while this one is on its way.
        let piece = min(max(1, min(demand.window, fitting) / 2), state.wanted ?? .max)
        return free >= piece ? request(for: piece) : nil
    }

    private func request(for count: Int?) -> Request {
        let window = demand.windowBytes == nil ? min(demand.window, Limits().maxWindow) : count
        return Request(
            ReceiveCommand(
                channel: demand.channel, timeout: demand.timeout, lease: demand.lease,
                count: count.map { .exactly($0) } ?? .endless, window: demand.lease == nil ? nil : window),
            count: count)
    }

    private func submit(_ requests: [Request]) {
        for request in requests {
            request.operation.listener = .handler { [self] event in take(event, of: request) }
            client.link.submit(request.operation)
        }
    }

    private func take(_ event: OperationEvent, of request: Request) {
        switch event {
        case .part(.message(_, let body, let attributes), let connection):
            receive(IntakeMessage(body, attributes, over: connection, of: client, lease: demand.lease), of: request)
        case .part: break
        case .ended(let outcome): end(request, outcome)
        }
    }

    private func receive(_ message: IntakeMessage, of request: Request) {
        onArrival(message)
        let bytes = message.message.bytes.count
        let (requests, waiters) = state.withLock { state in
            if let remaining = request.remaining {
                request.remaining = remaining - 1
                state.requested -= 1
            }
            state.unreleased += 1
            state.unreleasedBytes += bytes
            if demand.windowBytes != nil {
                state.typicalBytes = max(bytes + 64, state.typicalBytes - state.typicalBytes / 8)
            }
            state.arrived.append(message)
            return (takeRequests(&state), state.takeWaiters())
        }
        submit(requests)
        for waiter in waiters { waiter.resume() }
    }

    private func end(_ request: Request, _ outcome: OperationOutcome) {
        let (others, requests, waiters) = state.withLock { state in
            state.requests.removeAll { $0 === request }
            state.requested -= request.remaining ?? 0
            var others: [Request] = []
            if !isExpected(outcome, state) {
                if state.ending == nil { state.ending = outcome }
                // The others may not have ended: a timeout, for one, ends only its own receive.
                others = state.requests
            }
            return (others, takeRequests(&state), state.takeWaiters())
        }
        for other in others { client.link.cancel(other.operation) }
        submit(requests)
        for waiter in waiters { waiter.resume() }
    }

    /// Whether a receive has ended as it should.
    private func isExpected(_ outcome: OperationOutcome, _ state: State) -> Bool {
        switch outcome {
        case .reply(.end, _): true
        case .reply(.cancelled(nil), _): state.isStopped || state.ending != nil
        case .failed(let error): state.isStopped && error.code == .cancelled
        case .reply: false
        }
    }
}

extension IntakeMessage {
    fileprivate init(
        _ body: Body, _ attributes: Attributes, over connection: Int, of client: Client, lease: Duration?
    ) {
        if let lease, let delivery = LeasedDelivery(body, attributes, over: connection, of: client, lease: lease) {
            message = delivery.message
            self.delivery = delivery
        } else {
            message = Message(body, attributes)
            delivery = nil
        }
    }
}
