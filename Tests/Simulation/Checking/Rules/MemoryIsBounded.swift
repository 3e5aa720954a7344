import SluiceHub
import SluiceWire

/// No client has the hub keep more than the limits say: of input that waits, of replies that wait, of messages that wait
/// to be sent, and of messages that channels keep.
struct MemoryIsBounded: Rule {
    let name = "memory is bounded"

    func breaches(in ledger: Ledger) -> [String] {
        let limits = ledger.history.plan.setting.limits
        var breaches: [String] = []
        let use = ledger.history.largestUse
        let input = max(limits.inputBytes, 2 * (limits.wire.maxLineBytes + 2)) + limits.wire.maxBodyBytes
        if use.heldInput > input { breaches.append("\(use.heldInput) bytes of input wait, of \(input)") }
        // What is asked for before the bound is reached, and the messages of receives that were pending then.
        let output = 3 * limits.outputBytes + (limits.wire.maxPendingTags + 1) * 2048
        if use.output > output { breaches.append("\(use.output) bytes of replies wait, of \(output)") }
        if let server = ledger.history.rest.server, server.bufferedBytes > limits.keptBytes {
            breaches.append("the channels keep \(server.bufferedBytes) bytes, of \(limits.keptBytes)")
        }
        return breaches + parked(ledger, limits.parkedBytes)
    }

    /// The bytes that each connection waits to send when nothing moves any more.
    private func parked(_ ledger: Ledger, _ limit: Int) -> [String] {
        var bytes: [Int: Int] = [:]
        for number in ledger.history.rest.pending where ledger.acts[number].entered.map({ $0 < ledger.rest }) == true {
            guard case .send(let send)? = ledger.acts[number].command, send.identity == nil else { continue }
            bytes[ledger.acts[number].line, default: 0] += send.body.count
        }
        return bytes.keys.sorted().compactMap { line in
            guard let count = bytes[line], count > limit else { return nil }
            return "line \(line) waits to send \(count) bytes, of \(limit)"
        }
    }
}
