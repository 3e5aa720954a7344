import SluiceRuntime
import SluiceWire

/// Holds messages under their leases for as long as it takes, and says of each what became of it. On the reactor's thread
/// only.
final class LeaseKeeper: @unchecked Sendable {
    // Sendable: see above.

    private let link: HubLink
    private var ticker: Ticker?
    /// What to do when the hold is lost: another one may get the message.
    private var held: [DeliveryID: () -> Void] = [:]
    /// Acknowledged, and the hub has said so.
    private(set) var acknowledged = 0
    /// Given back, by what has become of the work.
    private(set) var givenBack = 0
    /// Not held any more when it was acknowledged: another one gets the message too.
    private(set) var lost = 0

    init(lease: Duration, on link: HubLink) throws(SluiceError) {
        self.link = link
        ticker = try link.reactor.tick(every: lease / 3) { [weak self] _ in self?.touchAll() }
        link.onLoss { [weak self] _ in self?.loseAll() }
    }

    /// - Parameter lost: called when the lease has run out all the same, or the connection is lost.
    func hold(_ delivery: DeliveryID, lost: @escaping () -> Void = {}) {
        held[delivery] = lost
    }

    private func loseAll() {
        let all = held
        held = [:]
        for lost in all.values { lost() }
    }

    private func touchAll() {
        for delivery in held.keys {
            link.request(.touch(delivery)) { [self] answer in
                if case .reply(.ok) = answer { return }
                held.removeValue(forKey: delivery)?()
            }
        }
    }

    func acknowledge(_ delivery: DeliveryID, _ done: @escaping (HubLink.Answer) -> Void = { _ in }) {
        held[delivery] = nil
        link.request(.acknowledge(delivery)) { [self] answer in
            if case .reply(.ok) = answer { acknowledged += 1 } else { lost += 1 }
            done(answer)
        }
    }

    /// - Parameter delay: how long nobody gets it.
    func giveBack(_ delivery: DeliveryID, after delay: Duration = .zero) {
        held[delivery] = nil
        givenBack += 1
        link.request(.nack(NackCommand(delivery, delay: delay > .zero ? delay : nil))) { _ in }
    }
}
