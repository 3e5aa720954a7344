/// Looking inside the server.
extension CommandParser {
    func info(_ words: inout Words) throws(WireError) -> Command {
        try report(on: .server, &words)
    }

    func clients(_ words: inout Words) throws(WireError) -> Command {
        try report(on: .clients, &words)
    }

    func stuck(_ words: inout Words) throws(WireError) -> Command {
        try report(on: .stuck, &words)
    }

    func channels(_ words: inout Words) throws(WireError) -> Command {
        let (format, prefix) = try reportOnSome(&words)
        return .inspect(Inspection(.channels(prefix: prefix), format: format))
    }

    func waiters(_ words: inout Words) throws(WireError) -> Command {
        let (format, channel) = try reportOnSome(&words)
        return .inspect(Inspection(.waiters(channel: channel), format: format))
    }

    func trace(_ words: inout Words) throws(WireError) -> Command {
        let (format, prefix) = try reportOnSome(&words)
        guard isTagged else { throw WireError(.badOption, "TRACE needs a tag, which CANCEL then ends it by") }
        return .trace(TraceCommand(prefix: prefix, format: format))
    }

    private func report(on subject: Inspection.Subject, _ words: inout Words) throws(WireError) -> Command {
        let format = try format(&words)
        try words.end()
        return .inspect(Inspection(subject, format: format))
    }

    /// What a report is about when not about everything: a name, or the beginning of names.
    private func reportOnSome(_ words: inout Words) throws(WireError) -> (ReportFormat, ChannelName?) {
        let format = try format(&words)
        guard !words.isAtEnd else { return (format, nil) }
        let name = try words.channel()
        try words.end()
        return (format, name)
    }

    private func format(_ words: inout Words) throws(WireError) -> ReportFormat {
        try Options(&words, allowing: [.format]).rare?.format ?? .text
    }
}
