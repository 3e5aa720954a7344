import DequeModule
import SluiceRuntime
import SluiceWire

/// A message, as it came.
struct Delivery: Sendable {
    let body: Body
    /// What the attempt is called; nil without a lease.
    let delivery: DeliveryID?
    let attempt: Int?
}

/// Messages of a channel that come in advance, though never more than `credit` that nobody has finished with.
///
/// Not the connection holds the hub up, as a client would that does not read: whoever is slow for ten seconds is closed.
/// Counted receives are asked for in pieces instead, as there is room. On the reactor's thread only.
final class Intake: @unchecked Sendable {
    // Sendable: see above.

    struct Demand {
        var channel: ChannelName
        var lease: Duration?
        var timeout: Duration?
        /// How many messages in all; nil for all there will be.
        var total: Int?
        /// How many messages may be here, or on their way here.
        var credit = 512
        /// How many are asked for at a time; nil for what serves throughput.
        var piece: Int?
    }

    /// The same in bytes; a single message may be longer.
    private static let creditBytes = 2 << 20

    private let link: HubLink
    private let demand: Demand
    private let gate: Gate

    /// Messages that are not asked for yet; nil for no end of them.
    private var wanted: Int?
    /// The receives that are pending, and how many messages each may still bring.
    private var receives: [Int: Int] = [:]
    private var requested: Int { receives.values.reduce(0, +) }
    /// Messages that nobody has taken yet.
    private var arrived = Deque<Delivery>()
    /// Messages that came and are not released.
    private var held = 0
    private var heldBytes = 0
    /// The longest one lately, for how much the next ones may be.
    private var typicalBytes = creditBytes / 16
    private var serial = 0
    private var isStopped = false

    /// Why no more come; nil while they do, and when `total` have come.
    private(set) var ending: Failure?
    /// Whether that is that the channel is closed.
    private(set) var isClosed = false
    /// Called with each message when it comes, before anybody takes it.
    var onArrival: (Delivery) -> Void = { _ in }

    init(_ demand: Demand, from link: HubLink) {
        self.demand = demand
        self.link = link
        wanted = demand.total
        gate = Gate("messages on \(demand.channel)", on: link.reactor)
        ask()
        // While it may ask for nothing, nothing else would tell.
        link.onLoss { [weak self] failure in
            guard let self else { return }
            if ending == nil { ending = failure }
            gate.open()
        }
    }

    // MARK: Taking

    /// Waits for messages, and takes all that are here; nil when no more come. Of one task at a time.
    func next(atMost limit: Int = .max) async throws -> [Delivery]? {
        while arrived.isEmpty {
            guard isExpecting else { return nil }
            try await gate.wait()
        }
        let batch = Array(arrived.prefix(limit))
        arrived.removeFirst(batch.count)
        return batch
    }

    private var isExpecting: Bool { !receives.isEmpty || (ending == nil && !isStopped && wanted != 0) }

    /// Says that messages are dealt with, so that others may come.
    func release(_ count: Int, bytes: Int) {
        held -= count
        heldBytes -= bytes
        ask()
    }

    /// Takes no more. What is on its way here still comes.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        for number in receives.keys { link.cancel(number) }
        gate.open()
    }

    // MARK: Asking

    private func ask() {
        while ending == nil, !isStopped, wanted != 0, let count = nextCount { ask(for: count) }
    }

    /// How many messages to ask for now; nil while there is no use in asking.
    private var nextCount: Int? {
        // The time of each receive runs by itself: with two, the second would not know what the first has had.
        if demand.timeout != nil, !receives.isEmpty { return nil }
        let fitting = max(1, (Self.creditBytes - heldBytes) / typicalBytes)
        let free = min(demand.credit - held, heldBytes < Self.creditBytes || held == 0 ? fitting : 0) - requested
        let piece = min(demand.piece ?? max(1, min(demand.credit, fitting) / 2), wanted ?? .max)
        return free >= piece && piece > 0 ? piece : nil
    }

    private func ask(for count: Int) {
        wanted = wanted.map { $0 - count }
        let command = ReceiveCommand(
            channel: demand.channel, timeout: demand.timeout, lease: demand.lease, count: .exactly(count),
            window: demand.lease == nil ? nil : count)
        var number = -1
        number = link.request(.receive(command), isStream: true) { [self] answer in take(answer, of: number) }
        // A connection that is lost has answered already.
        if number >= 0 { receives[number] = count }
    }

    private func take(_ answer: HubLink.Answer, of number: Int) {
        switch answer {
        case .reply(.message(_, let body, let attributes)): take(body, attributes, of: number)
        case .reply(.end): receives[number] = nil
        case .reply(.cancelled(let reason)) where isStopped && reason == nil: receives[number] = nil
        case .reply(let reply):
            if case .closed = reply, ending == nil { isClosed = true }
            end(Failure(reply), of: number)
        case .lost(let failure): end(failure, of: number)
        }
        ask()
        if !arrived.isEmpty || !isExpecting { gate.open() }
    }

    private func take(_ body: Body, _ attributes: Attributes, of number: Int) {
        receives[number, default: 1] -= 1
        held += 1
        heldBytes += body.count
        typicalBytes = max(body.count + 64, typicalBytes - typicalBytes / 8)
        var delivery: DeliveryID?
        var attempt: Int?
        for attribute in attributes {
            switch attribute.key {
            case .delivery: delivery = DeliveryID(attribute.value)
            case .attempt: attempt = Int(attribute.value)
            default: break
            }
        }
        let message = Delivery(body: body, delivery: delivery, attempt: attempt)
        arrived.append(message)
        onArrival(message)
    }

    private func end(_ failure: Failure, of number: Int) {
        receives[number] = nil
        if ending == nil { ending = failure }
        // Others may not have heard of it: a time that has run out is each receive's own.
        for other in receives.keys { link.cancel(other) }
    }
}
