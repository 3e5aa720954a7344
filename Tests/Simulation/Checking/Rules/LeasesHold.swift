import SluiceRuntime
import SluiceWire

/// An attempt to deliver ends once: one `ACK` or `NACK` of it is `OK`, from the connection that had it, before its time is
/// over and before another attempt begins. And while it lasts, an `ACK` is not refused.
struct LeasesHold: Rule {
    let name = "leases hold"

    func breaches(in ledger: Ledger) -> [String] {
        ledger.stories.flatMap { story in story.receipts.flatMap { breaches(of: $0, story, ledger) } }
    }

    private func breaches(of receipt: Receipt, _ story: Story, _ ledger: Ledger) -> [String] {
        guard let delivery = receipt.delivery, let settlings = ledger.settlings[delivery] else { return [] }
        var breaches: [String] = []
        var hasEnded = false
        for settling in settlings where settling.isDone {
            if settling.line != ledger.acts[receipt.act].line { breaches.append("\(delivery) was settled by another") }
            if settling.isTouch { continue }
            if hasEnded { breaches.append("\(delivery) was settled twice") }
            hasEnded = true
        }
        if let first = settlings.first(where: { $0.isDone && !$0.isTouch }), isTooLate(first, receipt, story, ledger) {
            breaches.append("\(delivery) of \(story.name) was settled when it had ended")
        }
        if let first = settlings.first, first.isStale, isInTime(first, receipt, story, ledger) {
            breaches.append("\(delivery) of \(story.name) was refused while it lasted")
        }
        return breaches
    }

    /// Whether the lease had certainly ended when it was settled.
    private func isTooLate(_ settling: Act, _ receipt: Receipt, _ story: Story, _ ledger: Ledger) -> Bool {
        if !story.hasID, let attempt = receipt.attempt,
            story.receipts.contains(where: {
                $0.attempt ?? .max > attempt && $0.moment < settling.sent && $0.moment > receipt.moment
            })
        {
            return true
        }
        guard let lease = receipt.lease, let delivery = receipt.delivery else { return false }
        let wasTouched = ledger.settlings[delivery]?.contains { $0.isTouch } == true
        return !wasTouched && settling.sent.time > receipt.moment.time + lease.wholeNanoseconds
    }

    /// Whether the lease had certainly not ended when the first settling of it was answered.
    private func isInTime(_ settling: Act, _ receipt: Receipt, _ story: Story, _ ledger: Ledger) -> Bool {
        let act = ledger.acts[receipt.act]
        guard let lease = receipt.lease, let answered = settling.final?.moment, act.line == settling.line,
            let sent = story.sends.first.map({ ledger.acts[$0.act].sent })
        else { return false }
        let record = ledger.history.lines[act.line]
        guard !record.isRefused, record.farewell.map({ answered < $0 }) ?? true else { return false }
        return answered.time < max(act.sent.time, sent.time) + lease.wholeNanoseconds
    }
}

extension Act {
    fileprivate var isTouch: Bool { if case .touch? = command { true } else { false } }
    fileprivate var isStale: Bool {
        if case .error(let error)? = final?.reply { error.code == .stale } else { false }
    }
}
