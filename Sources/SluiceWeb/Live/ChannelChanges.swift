/// Finds the rows of `CHANNELS` that have changed since the last round.
///
/// The rows are compared and passed on as the bytes of the report. A client can calculate how long an operation has waited,
/// so a row whose wait has only grown has not changed.
struct ChannelChanges {
    /// The most channels that are followed. A client that sees more of them sees the first ones.
    static let most = 20_000

    private struct Known {
        var digest: Int
        /// Since when the oldest operation waits.
        var since: Double?
        var round: Int
    }

    private var known: [String: Known] = [:]
    private var round = 0
    private var count = 0

    // A name of ordinary length is an object of its own.
    var heldBytes: Int { 112 * known.capacity }

    /// Whether no further page is followed in this round.
    var isFull: Bool { count >= Self.most }

    /// Notes a page of the report, in JSON.
    ///
    /// - Parameters:
    ///   - time: the time in seconds.
    ///   - isLast: whether the round ends with the page.
    /// - Returns: the rows that have changed, the names of the channels that have gone if the page is the last one, and how
    ///   many channels are left out; nil if there is nothing to tell.
    mutating func note(page: [UInt8], at time: Double, isLast: Bool) -> [UInt8]? {
        var out = Array("{\"rows\":[".utf8)
        let beginning = out.count
        for row in ReportRows(page) {
            count += 1
            guard hasChanged(row, at: time) else { continue }
            if out.count > beginning { out.append(UInt8(ascii: ",")) }
            out += row.bytes
        }
        guard isLast else { return out.count == beginning ? nil : out + Array("]}".utf8) }
        let gone = known.filter { $0.value.round != round }.map(\.key)
        for name in gone { known[name] = nil }
        round += 1
        count = 0
        let names = gone.map { "\"\($0)\"" }.joined(separator: ",")
        out += Array("],\"gone\":[\(names)],\"omitted\":\(ReportRows(page).omitted)}".utf8)
        return out
    }

    private mutating func hasChanged(_ row: ReportRows.Row, at time: Double) -> Bool {
        let since = row.longestWaitSeconds.map { time - $0 }
        let new = Known(digest: row.digest, since: since, round: round)
        guard let old = known.updateValue(new, forKey: row.name), old.digest == new.digest else { return true }
        switch (old.since, since) {
        case (nil, nil): return false
        // The time between the report and this call differs.
        case (let old?, let new?) where abs(old - new) < 0.25:
            known[row.name]?.since = old
            return false
        default: return true
        }
    }
}
