/// The verbs that concern channels and barriers as a whole.
extension HelpEntry {
    static let barrier = HelpEntry(
        "wait for other parties",
        usage: "BARRIER parties=N [timeout=D] [eof=wait] name",
        details: """
            Answers OK to all N parties together when the last one has come. The names of
            barriers are separate from those of channels.

            parties=N  the number of parties, at least 1
            timeout=D  TIMEOUT if a party was missing after D; 0 tries once
            eof=wait   keep waiting after this side of the connection is closed
            """)

    static func open(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "declare a channel",
            usage: "OPEN [cap=N] [overflow=O] [kind=K] [max-attempts=N] [dead=CHANNEL] [retry=D]",
            "    channel",
            details: """
                Answers OK. Repeating a declaration is OK, changing it is ERR conflict. Reopens
                a channel that has ended. A channel that nobody opened keeps no messages: each
                sender waits for a receiver.

                cap=N                 keep up to N messages, at most \(limits.maxCapacity); default 0
                overflow=block        senders wait while the channel is full (default)
                overflow=drop-newest  a message that does not fit is dropped
                overflow=drop-oldest  the oldest message is dropped for one that does not fit
                kind=queue            each message goes to one receiver (default)
                kind=broadcast        each message goes to every current receiver;
                                      a send answers OK receivers=N
                kind=once             the first message goes to every receiver, now and later
                max-attempts=N        reject a message when its Nth attempt ends without ACK
                dead=CHANNEL          rejected messages move to this channel, which must buffer
                retry=D               wait D after the first attempt, and twice as long after
                                      each further one, at most an hour
                """)
    }

    static let close = HelpEntry(
        "end sending on a channel",
        usage: "CLOSE channel",
        details: """
            Answers OK. Receivers still get the messages that the channel keeps and that
            senders have offered, then CLOSED. Later sends get CLOSED at once.
            """)

    static let poison = HelpEntry(
        "end a channel at once",
        usage: "POISON channel [reason]",
        details: """
            Answers OK. All sends and receives that wait on the channel end with POISONED
            and the reason, and so do later ones.
            """)

    static let redrive = HelpEntry(
        "send rejected messages back",
        usage: "REDRIVE [count=N] channel",
        details: """
            Answers OK count=N. Messages that were rejected and moved to this channel go
            back to the channels that they come from, where their attempts begin anew.
            Messages for which there is no place stay.

            count=N  at most N messages; default all that the channel keeps now
            """)

    static let join = HelpEntry(
        "declare an end of a channel",
        usage: "JOIN end=E [on-death=D] channel",
        details: """
            Answers OK, and counts this connection as an end of the channel. When the last
            sending end leaves, the channel is closed. When the last receiving end leaves,
            senders get CLOSED. STUCK uses these ends to prove a deadlock.

            end=send         this connection sends
            end=recv         this connection receives
            on-death=retire  if the connection is lost, the end leaves (default)
            on-death=poison  if the connection is lost, the channel is poisoned
            """)

    static let leave = HelpEntry(
        "withdraw an end of a channel",
        usage: "LEAVE end=E channel",
        details: """
            Answers OK, and no longer counts this connection as an end of the channel. When
            the last sending end leaves, the channel is closed. When the last receiving end
            leaves, senders get CLOSED.

            end=send  the sending end
            end=recv  the receiving end
            """)
}
