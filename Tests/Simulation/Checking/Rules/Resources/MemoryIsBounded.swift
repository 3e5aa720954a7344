import SluiceHub
import SluiceWire

/// The hub keeps no more for a client than the limits allow: unprocessed input, unsent replies, the messages of parked
/// sends, and the messages that channels buffer.
struct MemoryIsBounded: Rule {
    let name = "memory is bounded"

    func breaches(in ledger: Ledger) -> [String] {
        let limits = ledger.history.plan.setting.limits
        var breaches: [String] = []
        let use = ledger.history.largestUse
        let input = max(limits.inputBytes, 2 * (limits.wire.maxLineBytes + 2)) + limits.wire.maxBodyBytes
        if use.heldInput > input {
            breaches.append("the hub holds \(use.heldInput) bytes of input of a connection; the limit is \(input)")
        }
        // Replies to commands that were read before the limit was reached, and messages of receives that were parked then.
        let output = 3 * limits.outputBytes + (limits.wire.maxPendingTags + 1) * 2048
        if use.output > output {
            breaches.append("the hub holds \(use.output) bytes of replies to a connection; the limit is \(output)")
        }
        if let server = ledger.history.rest.server, server.bufferedBytes > limits.keptBytes {
            breaches.append("the channels buffer \(server.bufferedBytes) bytes; the limit is \(limits.keptBytes)")
        }
        return breaches + parked(ledger, limits.parkedBytes)
    }

    /// Reports the connections whose parked sends have too many bytes when the simulation is at rest.
    private func parked(_ ledger: Ledger, _ limit: Int) -> [String] {
        var bytes: [Int: Int] = [:]
        for number in ledger.history.rest.pending
        where ledger.exchanges[number].entered.map({ $0 < ledger.rest }) == true {
            guard case .send(let send)? = ledger.exchanges[number].command, send.identity == nil else { continue }
            bytes[ledger.exchanges[number].connection, default: 0] += send.body.count
        }
        return bytes.keys.sorted().compactMap { connection in
            guard let count = bytes[connection], count > limit else { return nil }
            return "the parked sends of connection \(connection) have \(count) bytes; the limit is \(limit)"
        }
    }
}
