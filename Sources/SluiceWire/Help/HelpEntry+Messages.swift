/// The verbs that move messages.
extension HelpEntry {
    static func send(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "offer a message",
            usage: "SEND [timeout=D] [id=X [epoch=E]] [until=U] [need=N] [eof=wait] channel text",
            "SEND [...] len=N channel",
            details: """
                Answers OK when a receiver took the message (under a lease: acknowledged it),
                or when a channel that buffers has kept it.

                timeout=D       TIMEOUT when D ran out and nobody took it; 0 tries once.
                                MAYBE when it ran out under a lease
                id=X            makes a retry safe: within 120 s a second SEND with that channel
                                and id joins the first, or gets OK dup=yes if it is done
                epoch=E         with an id: MAYBE epoch if the server had another life since
                until=accepted  OK when the channel has kept it
                until=taken     OK when a receiver took it, although the channel buffers
                need=N          of a broadcast: waits for at least N receivers; OK receivers=N
                eof=wait        stay parked when this side of the connection is closed
                len=N           the message is the N bytes after this line, at most \(limits.maxBodyBytes);
                                a line end follows them
                """)
    }

    static func receive(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "take a message",
            usage: "RECV [timeout=D] [lease=D] [count=N|*] [window=N] [eof=wait] channel",
            details: """
                Answers MSG channel N, then the N bytes of the message and a line end.

                timeout=D  TIMEOUT when D ran out and nothing was sent; 0 tries once.
                           Counts for each message anew
                lease=D    the message comes with did= and attempt=, and its sender gets OK
                           only after ACK. NACK, a lost connection or the end of the lease
                           puts it back where it stood. At least 1ms
                count=N    tagged only: MSG after MSG with the same tag, and END after N;
                           count=* goes on until CANCEL
                window=N   with count= and lease=: so many may be unacknowledged; 1 if it
                           is left out, at most \(limits.maxWindow)
                eof=wait   stay parked when this side of the connection is closed
                """)
    }

    static func select(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "wait on several channels",
            usage: "SELECT [timeout=D] [order=O] [eof=wait] arm | arm | ...",
            details: """
                Commits exactly one arm. Each is one of these; at most \(limits.maxSelectArms) stand in a line.

                recv [lease=D] channel         answers MSG channel N arm=i, and the message
                send [id=X] channel text       answers OK arm=i; the text ends at the next " | "
                send [id=X] len=N channel      the same; bodies follow in order of the arms
                barrier [parties=N] name       answers OK arm=i, when all are there
                else                           the last: ELSE arm=i when no other is ready

                timeout=D     TIMEOUT when D ran out and no arm was ready; not with else
                order=fair    of several ready arms, begin after the one taken last
                order=first   of several ready arms, take the first in the line
                order=random  of several ready arms, take any
                eof=wait      stay parked when this side of the connection is closed
                lease=D       as of RECV: the message is to be acknowledged
                id=X          as of SEND: makes a retry safe
                parties=N     as of BARRIER; left out, the others say how many
                """)
    }

    static let acknowledge = HelpEntry(
        "a leased message is done",
        usage: "ACK did",
        details: """
            Answers OK, and the sender of the message gets its OK. The did is what did= of
            the message says. ERR stale when the attempt has ended: the lease ran out, or
            there was an ACK or a NACK already.
            """)

    static let nack = HelpEntry(
        "give a leased message back",
        usage: "NACK [delay=D] did",
        details: """
            Answers OK, and puts the message back where it stood; its next attempt has a
            number that is one higher. The did is what did= of the message says. ERR stale
            when the attempt has ended.

            delay=D  nobody gets the message for so long; left out, anybody at once
            """)

    static let touch = HelpEntry(
        "begin a lease anew",
        usage: "TOUCH did",
        details: """
            Answers OK, and the lease of the message begins anew, as long as it was. The did
            is what did= of the message says. ERR stale when the attempt has ended.
            """)
}
