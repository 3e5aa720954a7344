import Foundation
import TestSupport
import Testing

/// Types the same commands into different programs.
@Suite("Terminal programs as clients", .serialized, .bounded) struct TerminalTests {
    private static let conversation = """
        open cap=2 letters
        send letters a
        send until=taken timeout=0 id=b letters b
        recv letters
        #r recv count=2 lease=1m letters
        cancel #r
        select order=first recv nobody | send letters x | else
        close letters
        recv letters
        recv letters
        bogus
        recv count=2 letters
        barrier parties=1 b
        poison nowhere out of paper
        send nowhere x
        join end=send ends
        leave end=send ends
        recv ends
        stuck
        quit

        """

    private static let replies = """
        OK
        OK
        TIMEOUT
        MSG letters 1
        a
        OK
        #r CANCELLED
        OK arm=1
        OK
        MSG letters 1
        x
        CLOSED letters
        ERR unknown-command no such verb; HELP lists them
        ERR bad-option count= needs a tag
        OK
        OK
        POISONED nowhere out of paper
        OK
        OK
        CLOSED ends its last sender has gone
        DATA 18
        no client is stuck
        OK
        """

    @Test("netcat gets the same replies with and without carriage returns", arguments: [[], ["-C"]])
    func netcatSaysTheSameWithAndWithoutCarriageReturns(flags: [String]) throws {
        let daemon = try Daemon()
        let netcat = try Program("/usr/bin/env", ["nc"] + flags + ["127.0.0.1", try daemon.port])
        try netcat.say(Self.conversation)
        try netcat.closeInput()
        #expect(try netcat.rest() == Self.replies + "\n")
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("telnet gets the same replies as netcat")
    func telnetSaysTheSame() throws {
        let daemon = try Daemon()
        let telnet = try Program("/usr/bin/env", ["telnet", "127.0.0.1", try daemon.port])
        for _ in 0..<3 { _ = try telnet.line() }
        try telnet.say(Self.conversation)
        // telnet reports at the end that the connection was closed, not always on a line of its own.
        let text = try telnet.rest().replacing("\r", with: "").split(separator: "Connection closed").first ?? ""
        #expect(text.trimmingCharacters(in: .newlines) == Self.replies)
        try daemon.expectEnd(after: SIGTERM)
    }
}
