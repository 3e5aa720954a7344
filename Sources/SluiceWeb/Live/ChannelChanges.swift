/// Finds the rows of `CHANNELS` that have changed since the last round.
///
/// Rows are compared and passed on as bytes of the report. A client can calculate how long an operation has waited, so
/// a row in which only the wait has grown has not changed.
struct ChannelChanges {
    /// The most channels that are followed. If the client may see more of them, only the first ones are followed.
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

    /// The bytes of the names in `known`.
    private var nameBytes = 0

    /// An estimate of the memory. A name of ordinary length is an object of its own.
    var heldBytes: Int { 112 * known.capacity + nameBytes }

    /// Whether this round has no room for another page.
    var isFull: Bool { count >= Self.most }

    /// Compares a page of the report, in JSON, with the last round.
    ///
    /// - Parameters:
    ///   - time: the time in seconds.
    ///   - isLast: whether the round ends with the page.
    /// - Returns: in JSON, the rows that have changed. The last page adds the names of the channels that no longer
    ///   exist, and the number of channels that are not followed. Nil if no row of another page has changed.
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
        for name in gone {
            known[name] = nil
            nameBytes -= name.utf8.count
        }
        round += 1
        count = 0
        let names = gone.map { "\"\($0)\"" }.joined(separator: ",")
        out += Array("],\"gone\":[\(names)],\"omitted\":\(ReportRows(page).omitted)}".utf8)
        return out
    }

    private mutating func hasChanged(_ row: ReportRows.Row, at time: Double) -> Bool {
        let since = row.longestWaitSeconds.map { time - $0 }
        let new = Known(digest: row.digest, since: since, round: round)
        let name = row.name
        guard let old = known.updateValue(new, forKey: name) else {
            nameBytes += name.utf8.count
            return true
        }
        guard old.digest == new.digest else { return true }
        switch (old.since, since) {
        case (nil, nil): return false
        // The time between the report and this call varies.
        case (let old?, let new?) where abs(old - new) < 0.25:
            known[name]?.since = old
            return false
        default: return true
        }
    }
}
