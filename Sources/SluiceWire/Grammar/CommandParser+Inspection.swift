/// Reports on the state of the server.
extension CommandParser {
    func info(_ words: inout WordReader) throws(WireError) -> Command {
        let format = try CommandOptions(&words, allowing: [.format]).rare?.format ?? .text
        try words.end()
        return .inspect(Inspection(.server, format: format))
    }

    func clients(_ words: inout WordReader) throws(WireError) -> Command {
        try report(on: .clients, &words)
    }

    func stuck(_ words: inout WordReader) throws(WireError) -> Command {
        try report(on: .stuck, &words)
    }

    func channels(_ words: inout WordReader) throws(WireError) -> Command {
        let (format, page) = try formatAndPage(&words)
        return .inspect(Inspection(.channels(prefix: try name(&words)), format: format, page: page))
    }

    func waiters(_ words: inout WordReader) throws(WireError) -> Command {
        let (format, page) = try formatAndPage(&words)
        return .inspect(Inspection(.waiters(channel: try name(&words)), format: format, page: page))
    }

    func trace(_ words: inout WordReader) throws(WireError) -> Command {
        let format = try CommandOptions(&words, allowing: [.format]).rare?.format ?? .text
        let prefix = try name(&words)
        guard isTagged else { throw WireError(.badOption, "TRACE needs a tag, so that CANCEL can end it") }
        return .trace(TraceCommand(prefix: prefix, format: format))
    }

    private func report(on subject: Inspection.Subject, _ words: inout WordReader) throws(WireError) -> Command {
        let (format, page) = try formatAndPage(&words)
        try words.end()
        return .inspect(Inspection(subject, format: format, page: page))
    }

    /// Parses the operand of a report that may be limited to a channel or to a prefix of names.
    private func name(_ words: inout WordReader) throws(WireError) -> ChannelName? {
        guard !words.isBlank else { return nil }
        let name = try words.channel()
        try words.end()
        return name
    }

    private func formatAndPage(_ words: inout WordReader) throws(WireError) -> (ReportFormat, ReportPage) {
        let options = try CommandOptions(&words, allowing: [.format, .after, .limit]).rare
        return (options?.format ?? .text, ReportPage(after: options?.after, limit: options?.limit))
    }
}
