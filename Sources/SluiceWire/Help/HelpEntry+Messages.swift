/// The verbs that move messages.
extension HelpEntry {
    static func send(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "offer a message",
            usage: "SEND [timeout=D] [id=X [epoch=E]] [until=U] [need=N] [delay=D] [trace=W]",
            "    [eof=wait] channel text",
            "SEND [...] len=N channel",
            details: """
                Answers OK when a receiver took the message (under a lease: acknowledged it),
                or when a channel that buffers has kept it.

                timeout=D       TIMEOUT if nobody took the message within D; 0 tries once.
                                MAYBE if the message is under a lease when D ends
                id=X            makes a retry safe: within 120 s, another SEND with the same
                                channel and id joins the first, or gets OK dup=yes.
                                ERR conflict if the id belongs to a CALL
                epoch=E         with an id: MAYBE epoch if the server's epoch is not E
                until=accepted  OK as soon as the channel keeps the message
                until=taken     OK only when a receiver took it, even if the channel buffers
                need=N          on a broadcast: wait for at least N receivers; OK receivers=N
                delay=D         no receiver gets the message before D; OK at once if a channel
                                that buffers keeps it meanwhile
                trace=W         W comes with the message, such as a W3C traceparent:
                                at most \(Limits.maxTraceBytes) visible ASCII characters
                eof=wait        keep waiting after this side of the connection is closed
                len=N           the message is the N bytes after this line, at most \(limits.maxBodyBytes),
                                followed by a line end
                """)
    }

    static func call(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "send and get an answer",
            usage: "CALL [timeout=D] [id=X [epoch=E]] [trace=W] [eof=wait] channel text",
            "CALL [...] len=N channel",
            details: """
                Answers DATA N and the N bytes of the answer, when a receiver has acknowledged
                the message with an answer: ACK did text. Answers OK when it was taken without
                one: by a bare ACK, or by a receive without a lease.

                timeout=D  TIMEOUT if nobody took the message within D; 0 tries once.
                           MAYBE if the message is under a lease when D ends
                id=X       makes a retry safe: within 120 s, another CALL with the same
                           channel and id joins the first, or gets the same answer, with
                           dup=yes. ERR conflict if the id belongs to a SEND
                epoch=E    with an id: MAYBE epoch if the server's epoch is not E
                trace=W    W comes with the message, as in SEND
                eof=wait   keep waiting after this side of the connection is closed
                len=N      the message is the N bytes after this line, at most \(limits.maxBodyBytes),
                           followed by a line end
                """)
    }

    static func receive(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "receive a message",
            usage: "RECV [timeout=D] [lease=D] [count=N|*] [window=N] [eof=wait] channel",
            details: """
                Answers MSG channel N, then the N bytes of the message and a line end.

                timeout=D  TIMEOUT if no message came within D; 0 tries once.
                           With count= it applies to each message
                lease=D    the message comes with did=, attempt= and fence=. Its sender gets OK
                           only after ACK. NACK, a lost connection or the end of the lease puts
                           the message back where it stood. At least 1ms
                count=N    needs a tag: N replies MSG with the same tag, then END;
                           count=* continues until CANCEL
                window=N   with count= and lease=: up to N messages may be unacknowledged;
                           default 1, at most \(limits.maxWindow)
                eof=wait   keep waiting after this side of the connection is closed
                """)
    }

    static func select(_ limits: Limits) -> HelpEntry {
        HelpEntry(
            "wait on several channels",
            usage: "SELECT [timeout=D] [order=O] [eof=wait] arm | arm | ...",
            details: """
                Commits exactly one of the arms, of which a line may have \(limits.maxSelectArms):

                recv [lease=D] channel         answers MSG channel N arm=i and the message
                send [id=X] channel text       answers OK arm=i; the text ends at the next " | "
                send [id=X] len=N channel      the same; bodies follow in the order of the arms
                barrier [parties=N] name       answers OK arm=i when all parties are there
                else                           last arm: ELSE arm=i if no other arm is ready

                timeout=D     TIMEOUT if no arm was ready within D; not with else
                order=fair    of the ready arms, begin after the one taken last (default)
                order=first   of the ready arms, take the first in the line
                order=random  of the ready arms, take any
                eof=wait      keep waiting after this side of the connection is closed
                lease=D       as in RECV: the message must be acknowledged
                id=X          as in SEND: makes a retry safe
                trace=W       as in SEND, for a send arm: comes with the message
                parties=N     as in BARRIER; without it the other parties set the number
                """)
    }

    static let acknowledge = HelpEntry(
        "finish a leased message",
        usage: "ACK [reply=error] did", "ACK [reply=error] did text", "ACK [reply=error] len=N did",
        details: """
            Answers OK, and the sender of the message gets its OK. Copy the did from did= of
            the message. ERR stale if the attempt has ended: the lease ran out, or the
            message was acknowledged or put back before.

            With a text or len=, the sender of a CALL gets it as the answer: DATA. A message
            that waits for an answer has call=yes. OK answer=unwanted if the answer was
            dropped, because the message was sent by SEND, or its caller has gone.

            len=N        the answer is the N bytes after this line, followed by a line end;
                         0 is an empty answer, whereas a bare ACK is none
            reply=error  answers only with ERR, and not at all if the ACK succeeds, so that
                         a worker saves a reply for each message
            """)

    static let nack = HelpEntry(
        "put a leased message back",
        usage: "NACK [delay=D] did",
        details: """
            Answers OK, and puts the message back where it stood. The next attempt has a
            number one higher. Copy the did from did= of the message. ERR stale if the
            attempt has ended. After HELLO features=rejected, OK rejected=yes if this was
            the last attempt that max-attempts= of OPEN permits.

            delay=D  withhold the message for D; default 0
            """)

    static let reject = HelpEntry(
        "refuse a leased message",
        usage: "REJECT did [reason]",
        details: """
            Answers OK. No receiver gets the message again: it moves to the dead= channel,
            if its channel has one, and its sender gets REJECTED and the reason. Copy the
            did from did= of the message. ERR stale if the attempt has ended.
            """)

    static let touch = HelpEntry(
        "renew a lease",
        usage: "TOUCH did",
        details: """
            Answers OK, and the lease begins again with its full duration. Copy the did from
            did= of the message. ERR stale if the attempt has ended.
            """)
}
