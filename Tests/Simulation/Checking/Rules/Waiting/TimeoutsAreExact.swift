import SluiceRuntime
import SluiceWire

/// No operation times out early, and none is still parked after its timeout when the simulation is at rest.
struct TimeoutsAreExact: Rule {
    let name = "timeouts are exact"

    func breaches(in ledger: Ledger) -> [String] {
        var breaches: [String] = []
        for (number, exchange) in ledger.exchanges.enumerated() {
            guard let end = exchange.earliestTimeout, exchange.isTimedOut, let final = exchange.final else { continue }
            if final.moment.time < end {
                breaches.append("t\(number) timed out \(end - final.moment.time) ns early")
            }
        }
        for waiter in ledger.history.rest.waiters.waiters where waiter.timeoutSeconds == 0 {
            breaches.append("#\(waiter.tag ?? "-") of \(waiter.client) is parked after its timeout")
        }
        return breaches
    }
}
