public import SluiceRuntime
public import SluiceWire

/// The server's reports.
extension Client {
    /// Returns the report on the server as a whole (`INFO`).
    public func serverReport() async throws(SluiceError) -> ServerReport { try await report(on: .server) }

    /// Returns the report on the channels in use (`CHANNELS`).
    ///
    /// - Parameter prefix: limits the report to channels whose names begin with it.
    public func channelsReport(prefix: String? = nil) async throws(SluiceError) -> ChannelsReport {
        try await report(on: .channels(prefix: try Self.name(prefix)))
    }

    /// Returns the report on the operations that wait, and for how long (`WAITERS`).
    ///
    /// - Parameter channel: limits the report to one channel or barrier.
    public func waitersReport(channel: String? = nil) async throws(SluiceError) -> WaitersReport {
        try await report(on: .waiters(channel: try Self.name(channel)))
    }

    /// Returns the report on the connected clients (`CLIENTS`).
    public func clientsReport() async throws(SluiceError) -> ClientsReport { try await report(on: .clients) }

    /// Returns the report on clients that wait for each other in a cycle (`STUCK`).
    public func stuckReport() async throws(SluiceError) -> StuckReport { try await report(on: .stuck) }

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
        return String(decoding: try await data(.help(known)), as: UTF8.self)
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
            case .part(.data(let bytes), _):
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

    private func report<Report: Decodable>(on subject: Inspection.Subject) async throws(SluiceError) -> Report {
        let bytes = try await data(.inspect(Inspection(subject, format: .json)))
        do {
            return try JSON.decode(Report.self, from: bytes)
        } catch {
            throw SluiceError(.misuse, "cannot decode the server's report: \(error)")
        }
    }

    private func data(_ command: Command) async throws(SluiceError) -> [UInt8] {
        let reply = try await perform(command).0
        guard case .data(let bytes) = reply else { throw reply.error() }
        return bytes
    }

    private static func name(_ text: String?) throws(SluiceError) -> ChannelName? {
        guard let text else { return nil }
        return try ChannelName(checking: text)
    }
}
