import SluiceRuntime
import SluiceWire

/// A lease ends once. At most one `ACK` or `NACK` of it is answered with `OK`: on the connection that holds the lease, before
/// the lease expires and before the next attempt to deliver the message. Until then, an `ACK` is accepted.
struct LeasesEndOnce: Rule {
    let name = "leases end once"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.messages.flatMap { message in message.receipts.flatMap { breaches(of: $0, message, ledger) } }
    }

    private func breaches(of receipt: Receipt, _ message: MessageRecord, _ ledger: Ledger) -> [String] {
        guard let delivery = receipt.delivery, let settlings = ledger.settlings[delivery] else { return [] }
        var breaches: [String] = []
        var hasEnded = false
        for settling in settlings where settling.isDone {
            if settling.connection != ledger.exchanges[receipt.exchange].connection {
                breaches.append("\(delivery) was settled by another connection")
            }
            if settling.isTouch { continue }
            if hasEnded { breaches.append("\(delivery) was settled twice") }
            hasEnded = true
        }
        if let first = settlings.first(where: { $0.isDone && !$0.isTouch }), isTooLate(first, receipt, message, ledger)
        {
            breaches.append("\(delivery) of \(message.name) was settled after it had ended")
        }
        if let first = settlings.first, first.isStale, isInTime(first, receipt, message, ledger) {
            breaches.append("\(delivery) of \(message.name) was answered with STALE before it had ended")
        }
        return breaches
    }

    /// Returns whether the lease had certainly ended when it was settled.
    private func isTooLate(_ settling: Exchange, _ receipt: Receipt, _ message: MessageRecord, _ ledger: Ledger) -> Bool
    {
        if !message.hasID, let attempt = receipt.attempt,
            message.receipts.contains(where: {
                $0.attempt ?? .max > attempt && $0.moment < settling.sent && $0.moment > receipt.moment
            })
        {
            return true
        }
        guard let lease = receipt.lease, let delivery = receipt.delivery else { return false }
        let wasTouched = ledger.settlings[delivery]?.contains { $0.isTouch } == true
        let end = receipt.moment.time + lease.wholeNanoseconds
        // The hub knows that the lease is over even if it is behind with ending leases.
        return !wasTouched && settling.sent.time > end
    }

    /// Returns whether the lease had certainly not ended when the first command that settles it was answered.
    private func isInTime(_ settling: Exchange, _ receipt: Receipt, _ message: MessageRecord, _ ledger: Ledger) -> Bool
    {
        let exchange = ledger.exchanges[receipt.exchange]
        guard let lease = receipt.lease, let answered = settling.final?.moment,
            exchange.connection == settling.connection,
            let sent = message.sends.first.map({ ledger.exchanges[$0.exchange].sent })
        else { return false }
        let record = ledger.history.connections[exchange.connection]
        guard !record.isRefused, record.farewell.map({ answered < $0 }) ?? true else { return false }
        return answered.time < max(exchange.sent.time, sent.time) + lease.wholeNanoseconds
    }
}

extension Exchange {
    fileprivate var isTouch: Bool { if case .touch? = command { true } else { false } }
    fileprivate var isStale: Bool {
        if case .error(let error)? = final?.reply { error.code == .stale } else { false }
    }
}
