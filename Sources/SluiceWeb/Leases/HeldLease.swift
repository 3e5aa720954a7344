import SluiceHub
import SluiceRuntime
import SluiceWire

/// A message that an HTTP client holds under a lease, and the hub's client to which the lease belongs.
///
/// The lease outlives the HTTP connection that has received the message, because another connection may end it. So the
/// HTTP connection gives its hub's client to the lease, and that client ends with the lease. Everything except the
/// constants is used only on the thread of the lease's reactor.
final class HeldLease: @unchecked Sendable {
    // Sendable: everything that changes is used only on the reactor's thread.

    /// How long the hub's client outlives the lease, so that the hub ends the lease and not this code.
    private static let margin = Duration.seconds(1)

    let reactor: Reactor
    /// The principal that has received the message; nil without one.
    let principal: ChannelName?
    private let delivery: DeliveryID
    private let client: WireClient
    private let duration: Duration
    private var alarm: TimerHandle?
    /// The actions whose commands have no reply yet, in their order.
    private var waiting: [(action: DeliveryAction, finish: @Sendable (Reply?) -> Void)] = []
    private let whenEnded: @Sendable () -> Void

    /// - Parameters:
    ///   - duration: the duration of the lease.
    ///   - whenEnded: called once, when the lease has ended.
    init(
        of delivery: DeliveryID, by client: WireClient, principal: ChannelName?, for duration: Duration,
        whenEnded: @escaping @Sendable () -> Void
    ) {
        reactor = client.reactor
        self.principal = principal
        self.delivery = delivery
        self.client = client
        self.duration = duration
        self.whenEnded = whenEnded
        client.whenChanged = { [self] in hubHasReplied() }
        client.heldBytes = 0
        setAlarm()
    }

    /// Performs an action, and passes the reply to `finish`; nil if the hub has ended its client. May be called on any
    /// thread. `finish` is called on the thread of the lease's reactor, possibly before this returns.
    func perform(_ action: DeliveryAction, _ finish: @escaping @Sendable (Reply?) -> Void) {
        reactor.perform { [self] in
            guard !client.isEnded else { return finish(nil) }
            waiting.append((action, finish))
            client.write(action.command(for: delivery))
        }
    }

    /// Returns the message to its channel, because the HTTP client did not get it.
    func breakOff() { end { $0.breakOff() } }

    private func hubHasReplied() {
        while let (_, reply) = client.nextReply() {
            guard !waiting.isEmpty else { continue }
            let (action, finish) = waiting.removeFirst()
            finish(reply)
            if action.endsLease(with: reply) { return end { $0.finish() } }
            if case .touch = action, case .ok = reply { setAlarm() }
        }
        if client.isEnded { end { $0.breakOff() } }
    }

    private func end(_ endClient: (WireClient) -> Void) {
        if let alarm { reactor.cancelTimer(alarm) }
        alarm = nil
        endClient(client)
        let waiting = waiting
        self.waiting = []
        for (_, finish) in waiting { finish(nil) }
        whenEnded()
    }

    private func setAlarm() {
        if let alarm { reactor.cancelTimer(alarm) }
        alarm = reactor.call(after: duration + Self.margin) { [self] in
            alarm = nil
            end { $0.finish() }
        }
    }
}
