/// What `HELP` says of one verb.
struct HelpEntry {
    /// A few words, for the list of verbs.
    let summary: String
    /// The forms of the command.
    let usage: [String]
    /// What it does, and what it answers.
    let details: String

    private init(_ summary: String, usage: String..., details: String) {
        self.summary = summary
        self.usage = usage
        self.details = details
    }

    init(_ verb: Verb, _ limits: Limits) {
        switch verb {
        case .hello: self = .hello
        case .ping: self = .ping
        case .send: self = .send(limits)
        case .receive: self = .receive
        case .select: self = .select(limits)
        case .cancel: self = .cancel(limits)
        case .help: self = .help
        case .quit: self = .quit
        }
    }
}

extension HelpEntry {
    private static let hello = HelpEntry(
        "tell version, epoch and limits",
        usage: "HELLO",
        details: """
            Answers OK with the version of the protocol, the epoch (another one after
            every restart of the server) and the limits.
            """)

    private static let ping = HelpEntry(
        "answer with the same bytes",
        usage: "PING [text]", "PING len=N",
        details: """
            Answers OK, or DATA and the text.
            """)

    private static func send(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "offer a message until a receiver takes it",
            usage: "SEND [timeout=D] [eof=wait] channel text", "SEND [timeout=D] [eof=wait] len=N channel",
            details: """
                Answers OK when a receiver took the message.

                timeout=D  TIMEOUT when D ran out and nobody took it; 0 tries once
                eof=wait   stay parked when this side of the connection is closed
                len=N      the message is the N bytes after this line, at most \(limits.maxBodyBytes);
                           a line end follows them
                """)
    }

    private static let receive = HelpEntry(
        "take a message, waiting for a sender",
        usage: "RECV [timeout=D] [eof=wait] channel",
        details: """
            Answers MSG channel N, then the N bytes of the message and a line end.

            timeout=D  TIMEOUT when D ran out and nothing was sent; 0 tries once
            eof=wait   stay parked when this side of the connection is closed
            """)

    private static func select(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "wait on several channels, commit exactly one arm",
            usage: "SELECT [timeout=D] [order=O] [eof=wait] arm | arm | ...",
            details: """
                An arm is one of these; at most \(limits.maxSelectArms) stand in a line.

                recv channel        answers MSG channel N arm=i, and the message
                send channel text   answers OK arm=i; the text ends at the next " | "
                send len=N channel  the same; bodies follow the line in order of the arms
                else                the last arm: ELSE arm=i when no other is ready

                timeout=D     TIMEOUT when D ran out and no arm was ready; not with else
                order=fair    of several ready arms, begin after the one taken last
                order=first   of several ready arms, take the first in the line
                order=random  of several ready arms, take any
                eof=wait      stay parked when this side of the connection is closed
                """)
    }

    private static func cancel(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "withdraw a tagged command that is pending",
            usage: "CANCEL #tag",
            details: """
                Answers OK; the command itself ends with CANCELLED, unless it was done already.
                A connection has at most \(limits.maxPendingTags) tagged commands pending.
                """)
    }

    private static let help = HelpEntry(
        "list the verbs, or explain one",
        usage: "HELP [verb]",
        details: """
            Answers DATA and the text.
            """)

    private static let quit = HelpEntry(
        "close the connection, after what came before",
        usage: "QUIT",
        details: """
            Answers OK when every earlier command has had its reply, then closes.
            """)
}
