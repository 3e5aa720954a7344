/// The verbs that concern the connection itself.
extension HelpEntry {
    static let hello = HelpEntry(
        "show version and limits",
        usage: "HELLO [features=F,...]",
        details: """
            Answers OK with the version of the protocol, the epoch (a number that changes
            with every restart of the server), the limits, and the additions to the
            protocol that the server knows.

            features=  the additions that the client understands. With
                       features=receivers, a SEND or CALL that times out gets TIMEOUT
                       receivers=0 if nobody receives from the channel. With
                       features=kept, a send gets OK kept=yes if the channel keeps
                       the message, and no receiver has acknowledged it yet
            """)

    static let authenticate = HelpEntry(
        "prove who you are",
        usage: "AUTH principal token",
        details: """
            Answers OK if the token belongs to the principal, otherwise ERR denied. A server
            that requires AUTH takes at most one other command before it, and answers
            commands other than HELLO and HELP with ERR auth-required.

            principal  a name, by the rules for channel names
            token      one word of any bytes except spaces
            """)

    static let name = HelpEntry(
        "label this connection",
        usage: "NAME [waits=all] label",
        details: """
            Answers OK. CLIENTS, WAITERS, STUCK and TRACE show the label, which is a name by
            the rules for channel names. A later NAME replaces the label.

            waits=all  the client waits for nothing but its pending commands, so that
                       STUCK can prove that it is stuck in commands with tags
            """)

    static let ping = HelpEntry(
        "get the same bytes back",
        usage: "PING [text]", "PING len=N",
        details: """
            Answers OK, or DATA with the same text or bytes.
            """)

    static let kill = HelpEntry(
        "close connections",
        usage: "KILL client=ADDRESS [reason]", "KILL principal=NAME [reason]",
        details: """
            Answers OK connections=N once the N connections with that address, or of that
            principal, are being closed. They get ERR denied with the reason. Needs the
            permission kill or, if you may do everything else, a connection through a
            Unix-domain socket, as root or as the server's user.
            """)

    static func cancel(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "withdraw a tagged command",
            usage: "CANCEL #tag",
            details: """
                Answers OK. The command with the tag ends with CANCELLED, unless it has already
                been answered. A connection may have \(limits.maxPendingTags) pending tagged commands.
                """)
    }

    static let help = HelpEntry(
        "list verbs, or explain one",
        usage: "HELP [verb]",
        details: """
            Answers DATA with a text.
            """)

    static let quit = HelpEntry(
        "finish and close",
        usage: "QUIT",
        details: """
            Answers OK after every earlier command has been answered, then closes the
            connection.
            """)
}
