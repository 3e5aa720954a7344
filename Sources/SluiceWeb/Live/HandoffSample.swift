import SluiceWire

/// Counts handoffs by channel: all of them while there are few, and the first ones of each round while there are many, so
/// that counting costs the hub little. Like `sluice top`.
struct HandoffSample {
    /// The most handoffs that are counted in a round.
    static let most = 2000
    private static let tag = "handoffs"

    private var counts: [String: Int] = [:]
    private var total = 0
    private var isTracing = false
    /// Whether the hub permits traces.
    private var isPermitted = true

    // The names, and the entries of the table.
    var heldBytes: Int { 64 * counts.capacity }

    /// Returns the command with which a round begins; nothing if the handoffs are being counted.
    mutating func begin() -> [UInt8] {
        guard !isTracing, isPermitted else { return [] }
        isTracing = true
        return Array("#\(Self.tag) TRACE\n".utf8)
    }

    /// Counts a handoff. Returns a command if there are enough of them.
    mutating func receive(_ reply: Reply, tag: Tag?) -> [UInt8]? {
        guard tag?.description == Self.tag else { return nil }
        guard case .data(let line, _) = reply else {
            isTracing = false
            if case .error = reply { isPermitted = false }
            return nil
        }
        if let channel = Self.channel(in: line) { counts[channel, default: 0] += 1 }
        total += 1
        return total == Self.most ? Array("#end CANCEL #\(Self.tag)\n".utf8) : nil
    }

    /// Returns the counts of the round in JSON, and begins anew. `null` if the hub permits no traces.
    mutating func take() -> String {
        defer { (counts, total) = ([:], 0) }
        guard isPermitted else { return "null" }
        // The names of channels need no escapes.
        return "{" + counts.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    /// The name of the channel in a line of a trace: `TIME  CHANNEL  BYTES  …`, behind a line that says how many handoffs
    /// were not shown.
    private static func channel(in text: [UInt8]) -> String? {
        var line = text[...]
        if line.starts(with: Array("... ".utf8)), let end = line.firstIndex(of: 0x0A) { line = line[(end + 1)...] }
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        return words.count == 3 ? String(decoding: words[1], as: UTF8.self) : nil
    }
}
