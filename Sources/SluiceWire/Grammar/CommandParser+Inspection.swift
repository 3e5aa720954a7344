/// Reports on the state of the server.
extension CommandParser {
    func info(_ words: inout WordReader) throws(WireError) -> Command {
        try report(on: .server, &words)
    }

    func clients(_ words: inout WordReader) throws(WireError) -> Command {
        try report(on: .clients, &words)
    }

    func stuck(_ words: inout WordReader) throws(WireError) -> Command {
        try report(on: .stuck, &words)
    }

    func channels(_ words: inout WordReader) throws(WireError) -> Command {
        let (format, prefix) = try formatAndName(&words)
        return .inspect(Inspection(.channels(prefix: prefix), format: format))
    }

    func waiters(_ words: inout WordReader) throws(WireError) -> Command {
        let (format, channel) = try formatAndName(&words)
        return .inspect(Inspection(.waiters(channel: channel), format: format))
    }

    func trace(_ words: inout WordReader) throws(WireError) -> Command {
        let (format, prefix) = try formatAndName(&words)
        guard isTagged else { throw WireError(.badOption, "TRACE needs a tag, so that CANCEL can end it") }
        return .trace(TraceCommand(prefix: prefix, format: format))
    }

    private func report(on subject: Inspection.Subject, _ words: inout WordReader) throws(WireError) -> Command {
        let format = try format(&words)
        try words.end()
        return .inspect(Inspection(subject, format: format))
    }

    /// Parses the operands of a report that may be limited to a channel or to a prefix of names.
    private func formatAndName(_ words: inout WordReader) throws(WireError) -> (ReportFormat, ChannelName?) {
        let format = try format(&words)
        guard !words.isAtEnd else { return (format, nil) }
        let name = try words.channel()
        try words.end()
        return (format, name)
    }

    private func format(_ words: inout WordReader) throws(WireError) -> ReportFormat {
        try CommandOptions(&words, allowing: [.format]).rare?.format ?? .text
    }
}
