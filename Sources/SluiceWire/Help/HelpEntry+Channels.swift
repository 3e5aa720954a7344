/// The verbs that concern channels and barriers as a whole.
extension HelpEntry {
    static let barrier = HelpEntry(
        "wait until all are there",
        usage: "BARRIER parties=N [timeout=D] [eof=wait] name",
        details: """
            Answers OK, to all N together, when the last of them has come. Names of barriers
            are apart from those of channels.

            parties=N  how many are to come, at least 1
            timeout=D  TIMEOUT when D ran out and somebody was missing; 0 tries once
            eof=wait   stay parked when this side of the connection is closed
            """)

    static func open(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "declare a channel",
            usage: "OPEN [cap=N] [overflow=O] [kind=K] channel",
            details: """
                Answers OK. The same again is OK too, another declaration is ERR conflict. Opens
                anew a channel that has ended. A channel that nobody opened keeps no messages:
                each sender waits for a receiver.

                cap=N                 keeps up to N messages, at most \(limits.maxCapacity); 0 if left out
                overflow=block        a sender waits while the channel is full; so if left out
                overflow=drop-newest  a message that does not fit is dropped
                overflow=drop-oldest  a message that does not fit drops the oldest one
                kind=queue            each message is for one receiver; so if left out
                kind=broadcast        each message is for every receiver that is there;
                                      a send answers OK receivers=N
                kind=once             the first message is for every receiver, now and later
                """)
    }

    static let close = HelpEntry(
        "let nobody send any more",
        usage: "CLOSE channel",
        details: """
            Answers OK. What the channel has kept and what senders offer is still received,
            then receivers get CLOSED. A send after it gets CLOSED at once.
            """)

    static let poison = HelpEntry(
        "end a channel at once",
        usage: "POISON channel [reason]",
        details: """
            Answers OK. Everything that waits on the channel, on either side, ends with
            POISONED and the reason, and so does what comes after.
            """)

    static let join = HelpEntry(
        "be an end of a channel",
        usage: "JOIN end=E [on-death=D] channel",
        details: """
            Answers OK, and counts this connection as an end of the channel. When the last
            sending end leaves, the channel is closed; when the last receiving end leaves,
            senders get CLOSED. A connection that is lost leaves. STUCK reads these ends.

            end=send         this connection sends
            end=recv         this connection receives
            on-death=retire  when the connection is lost, the end leaves; so if left out
            on-death=poison  when the connection is lost, the channel is poisoned
            """)

    static let leave = HelpEntry(
        "be an end of it no more",
        usage: "LEAVE end=E channel",
        details: """
            Answers OK, and no longer counts this connection as an end of the channel. The
            last sending end closes it; after the last receiving end senders get CLOSED.

            end=send  the end that sends
            end=recv  the end that receives
            """)
}
