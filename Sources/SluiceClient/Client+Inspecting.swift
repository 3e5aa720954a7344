public import SluiceRuntime
public import SluiceWire

/// Looking inside the server.
extension Client {
    /// The server as a whole (`INFO`).
    public func serverReport() async throws(SluiceError) -> ServerReport { try await report(on: .server) }

    /// The channels in use (`CHANNELS`).
    ///
    /// - Parameter prefix: only those whose names begin so.
    public func channelsReport(prefix: String? = nil) async throws(SluiceError) -> ChannelsReport {
        try await report(on: .channels(prefix: try Self.name(prefix)))
    }

    /// Who waits on what, and for how long (`WAITERS`).
    ///
    /// - Parameter channel: only on that channel or barrier.
    public func waitersReport(channel: String? = nil) async throws(SluiceError) -> WaitersReport {
        try await report(on: .waiters(channel: try Self.name(channel)))
    }

    /// Who is connected (`CLIENTS`).
    public func clientsReport() async throws(SluiceError) -> ClientsReport { try await report(on: .clients) }

    /// Who waits for each other in a circle (`STUCK`).
    public func stuckReport() async throws(SluiceError) -> StuckReport { try await report(on: .stuck) }

    /// What the server says of a verb of the protocol, or of all of them.
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

    /// Every message that changes hands from now on (`TRACE`), until the loop over it is left.
    ///
    /// Nobody waits for a trace: what is not read in time is not shown.
    ///
    /// - Parameter prefix: only on channels whose names begin so.
    public func handoffs(prefix: String? = nil) throws(SluiceError) -> AsyncThrowingStream<HandoffReport, any Error> {
        let name = try Self.name(prefix)
        let (stream, feed) = AsyncThrowingStream.makeStream(
            of: HandoffReport.self, bufferingPolicy: .bufferingNewest(1024))
        let operation = Operation(.trace(TraceCommand(prefix: name, format: .json)))
        operation.listener = .handler { event in
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
        link.submit(operation)
        return stream
    }

    private func report<Report: Decodable>(on subject: Inspection.Subject) async throws(SluiceError) -> Report {
        let bytes = try await data(.inspect(Inspection(subject, format: .json)))
        do {
            return try JSON.decode(Report.self, from: bytes)
        } catch {
            throw SluiceError(.misuse, "the server's report is not understood: \(error)")
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
