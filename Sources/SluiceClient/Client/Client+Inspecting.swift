public import SluiceRuntime
public import SluiceWire

/// The server's reports.
extension Client {
    /// Returns the report on the server as a whole (`INFO`).
    public func serverReport() async throws(SluiceError) -> ServerReport {
        try Self.decode(try await data(.inspect(Inspection(.server, format: .json))).bytes)
    }

    /// Returns the report on the channels in use (`CHANNELS`), in the order of their names.
    ///
    /// - Parameters:
    ///   - prefix: limits the report to channels whose names begin with it.
    ///   - limit: the most rows of the report, which says how many it omits. The client asks the server for as many
    ///     pages as it needs.
    public func channelsReport(prefix: String? = nil, limit: Int = 1000) async throws(SluiceError) -> ChannelsReport {
        try await report(on: .channels(prefix: try Self.name(prefix)), limit: limit)
    }

    /// Returns the report on the operations that wait, and for how long (`WAITERS`), the oldest first.
    ///
    /// - Parameters:
    ///   - channel: limits the report to one channel or barrier.
    ///   - limit: the most rows of the report, which says how many it omits.
    public func waitersReport(channel: String? = nil, limit: Int = 1000) async throws(SluiceError) -> WaitersReport {
        try await report(on: .waiters(channel: try Self.name(channel)), limit: limit)
    }

    /// Returns the report on the connected clients (`CLIENTS`), the oldest first.
    ///
    /// - Parameter limit: the most rows of the report, which says how many it omits.
    public func clientsReport(limit: Int = 1000) async throws(SluiceError) -> ClientsReport {
        try await report(on: .clients, limit: limit)
    }

    /// Returns the report on clients that wait for each other in a cycle (`STUCK`).
    ///
    /// - Parameter limit: the most cycles of the report, which says how many it omits.
    public func stuckReport(limit: Int = 1000) async throws(SluiceError) -> StuckReport {
        try await report(on: .stuck, limit: limit)
    }

    /// Returns the server's help on a verb of the protocol, or the list of all verbs.
    ///
    /// - Throws: `.misuse` when there is no such verb.
    public func help(on verb: String? = nil) async throws(SluiceError) -> String {
        var known: Verb?
        if let verb {
            guard let found = Verb(rawValue: verb.uppercased()) else {
                throw SluiceError(.misuse, "there is no verb '\(verb)'")
            }
            known = found
        }
        return String(decoding: try await data(.help(known)).bytes, as: UTF8.self)
    }

    /// Returns every message that changes hands from now on (`TRACE`), until the loop over them ends.
    ///
    /// A trace never slows the server down: what the loop does not read in time is missing.
    ///
    /// - Parameter prefix: limits the trace to channels whose names begin with it.
    public func handoffs(prefix: String? = nil) throws(SluiceError) -> AsyncThrowingStream<HandoffReport, any Error> {
        let name = try Self.name(prefix)
        let (stream, feed) = AsyncThrowingStream.makeStream(
            of: HandoffReport.self, bufferingPolicy: .bufferingNewest(1024))
        let operation = submit(.trace(TraceCommand(prefix: name, format: .json))) { event in
            switch event {
            case .part(.data(let bytes, _), _):
                do {
                    feed.yield(try JSON.decode(HandoffReport.self, from: bytes))
                } catch {
                    feed.finish(throwing: error)
                }
            case .part: break
            case .ended(.reply(let reply, _)): feed.finish(throwing: reply.error())
            case .ended(.failed(let error)): feed.finish(throwing: error)
            }
        }
        feed.onTermination = { [link] _ in link.cancel(operation) }
        return stream
    }

    /// Asks for pages until the report has `limit` rows or is complete.
    package func report<Report: PagedReport>(
        on subject: Inspection.Subject, limit: Int
    ) async throws(SluiceError) -> Report {
        var rows: [Report.Row] = []
        var next: ChannelName?
        var visited: Set<ChannelName> = []
        while true {
            let page = ReportPage(after: next, limit: max(1, limit - rows.count))
            let (bytes, attributes) = try await data(.inspect(Inspection(subject, format: .json, page: page)))
            let report: Report = try Self.decode(bytes)
            rows += report.rows
            guard let key = attributes.more, rows.count < limit else {
                return Report(rows: rows, omitted: report.omittedRows)
            }
            guard visited.insert(key).inserted else {
                throw SluiceError(.misuse, "the server's report has no end: two pages name the same next page")
            }
            next = key
        }
    }

    private static func decode<Report: Decodable>(_ bytes: [UInt8]) throws(SluiceError) -> Report {
        do {
            return try JSON.decode(Report.self, from: bytes)
        } catch {
            throw SluiceError(.misuse, "cannot decode the server's report: \(error)")
        }
    }

    private func data(_ command: Command) async throws(SluiceError) -> (bytes: [UInt8], attributes: Attributes) {
        let reply = try await perform(command).0
        guard case .data(let bytes, let attributes) = reply else { throw reply.error() }
        return (bytes, attributes)
    }

    private static func name(_ text: String?) throws(SluiceError) -> ChannelName? {
        guard let text else { return nil }
        return try ChannelName(checking: text)
    }
}
