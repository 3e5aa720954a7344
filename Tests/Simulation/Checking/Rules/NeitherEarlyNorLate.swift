import SluiceRuntime
import SluiceWire

/// Nobody runs out of time before it is over; and when nothing moves any more, nobody waits whose time is.
struct NeitherEarlyNorLate: Rule {
    let name = "neither early nor late"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches: [String] = []
        for (number, act) in ledger.acts.enumerated() {
            guard let end = act.earliestTimeout, act.isTimedOut, let final = act.final else { continue }
            if final.moment.time < end {
                breaches.append("act \(number) ran out of time \(end - final.moment.time) ns early")
            }
        }
        for waiter in ledger.history.rest.waiters.waiters where waiter.timeoutSeconds == 0 {
            breaches.append("\(waiter.client) waits, #\(waiter.tag ?? "-"), though its time is over")
        }
        return breaches
    }
}
