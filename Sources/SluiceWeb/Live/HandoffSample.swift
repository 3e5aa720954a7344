import SluiceWire

/// Counts handoffs by channel, as `sluice top` does: all of them while there are few, and the first ones of each round
/// while there are many. So counting costs the hub little.
struct HandoffSample {
    /// The most handoffs that are counted in a round.
    static let most = 2000
    private static let tag = "handoffs"

    private var counts: [String: Int] = [:]
    private var total = 0
    private var isTracing = false
    /// Whether the hub permits traces.
    private var isPermitted = true

    /// An estimate of the memory of the names and of the table's entries.
    var heldBytes: Int { 64 * counts.capacity }

    /// Returns the command that begins a round; empty if a trace is running or not permitted.
    mutating func begin() -> [UInt8] {
        guard !isTracing, isPermitted else { return [] }
        isTracing = true
        return Array("#\(Self.tag) TRACE\n".utf8)
    }

    /// Counts a handoff. Returns the command that ends the trace if there are enough of them.
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

    /// Returns the counts of the round in JSON, and resets them. `null` if the hub permits no traces.
    mutating func take() -> String {
        defer { (counts, total) = ([:], 0) }
        guard isPermitted else { return "null" }
        // The names of channels need no escapes.
        return "{" + counts.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    /// Returns the name of the channel in a line of a trace: `TIME  CHANNEL  BYTES  …`. A line that says how many
    /// handoffs were skipped may come before it.
    private static func channel(in text: [UInt8]) -> String? {
        var line = text[...]
        if line.starts(with: Array("... ".utf8)), let end = line.firstIndex(of: 0x0A) { line = line[(end + 1)...] }
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        return words.count == 3 ? String(decoding: words[1], as: UTF8.self) : nil
    }
}
