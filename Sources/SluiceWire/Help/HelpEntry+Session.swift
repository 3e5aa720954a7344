/// The verbs that concern the connection itself.
extension HelpEntry {
    static let hello = HelpEntry(
        "tell version and limits",
        usage: "HELLO",
        details: """
            Answers OK with the version of the protocol, the epoch (another one after
            every restart of the server) and the limits.
            """)

    static let authenticate = HelpEntry(
        "prove who is there",
        usage: "AUTH principal token",
        details: """
            Answers OK when the token is the principal's, else ERR denied. A server that
            asks for it answers ERR auth-required to what comes before, and takes one
            command then.

            principal  a name, by the rules for names of channels
            token      one word, of any bytes but a space
            """)

    static let name = HelpEntry(
        "call the connection a name",
        usage: "NAME label",
        details: """
            Answers OK. The label is a name, by the rules for names of channels; CLIENTS,
            WAITERS and STUCK show it. The last one counts.
            """)

    static let ping = HelpEntry(
        "answer with the same bytes",
        usage: "PING [text]", "PING len=N",
        details: """
            Answers OK, or DATA and the text.
            """)

    static func cancel(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "withdraw a tagged command",
            usage: "CANCEL #tag",
            details: """
                Answers OK; the command itself ends with CANCELLED, unless it was done already.
                A connection has at most \(limits.maxPendingTags) tagged commands pending.
                """)
    }

    static let help = HelpEntry(
        "list verbs, or explain one",
        usage: "HELP [verb]",
        details: """
            Answers DATA and the text.
            """)

    static let quit = HelpEntry(
        "close, when all is done",
        usage: "QUIT",
        details: """
            Answers OK when every earlier command has had its reply, then closes.
            """)
}
