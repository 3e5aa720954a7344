import Foundation
import TestSupport
import Testing

/// Conversations with a running daemon through netcat and telnet.
@Suite(.serialized, .bounded) struct NetcatTests {
    @Test("One netcat sends to another")
    func twoNetcatsMatch() throws {
        let daemon = try Daemon()
        let receiver = try daemon.netcat()
        try receiver.say("recv jobs\nquit\n")
        try receiver.closeInput()
        #expect(try daemon.conversation("send jobs hello\nquit\n") == "OK\nOK\n")
        #expect(try receiver.rest() == "MSG jobs 5\nhello\nOK\n")
        #expect(try receiver.status() == 0)
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("A sender waits for its receiver")
    func theSenderWaitsForTheReceiver() throws {
        let daemon = try Daemon()
        let sender = try daemon.netcat()
        try sender.say("ping\nsend jobs hello\nquit\n")
        try sender.closeInput()
        #expect(try sender.line() == "OK", "the reply to PING; the send waits")
        #expect(try daemon.conversation("recv jobs\nquit\n") == "MSG jobs 5\nhello\nOK\n")
        #expect(try sender.rest() == "OK\nOK\n")
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("Half-close cancels a parked receive, and later lines run")
    func halfCloseCancelsParkedOperations() throws {
        let daemon = try Daemon()
        #expect(try daemon.conversation("ping a\nrecv jobs\nping b\n", "-N") == "DATA 1\na\nCANCELLED eof\nDATA 1\nb\n")
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("A select takes the first message, times out, or takes else")
    func aSelectTakesTheFirstMessage() throws {
        let daemon = try Daemon()
        let chooser = try daemon.netcat()
        try chooser.say("select recv a | recv b | send c x\n")
        #expect(try daemon.conversation("send b hello\nrecv timeout=0 c\nquit\n") == "OK\nTIMEOUT\nOK\n")
        #expect(try chooser.line() == "MSG b 5 arm=1")
        #expect(try chooser.line() == "hello")
        try chooser.say("select timeout=20ms recv a | recv b\nselect recv a | else\nquit\n")
        try chooser.closeInput()
        #expect(try chooser.rest() == "TIMEOUT\nELSE arm=1\nOK\n")
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("The daemon understands telnet")
    func telnetIsUnderstood() throws {
        let daemon = try Daemon()
        let telnet = try Program("/usr/bin/env", ["telnet", "127.0.0.1", try daemon.port])
        #expect(try telnet.line() == "Trying 127.0.0.1...")
        #expect(try telnet.line() == "Connected to 127.0.0.1.")
        #expect(try telnet.line() == "Escape character is '^]'.")
        try telnet.say("recv jobs\n")
        #expect(try daemon.conversation("send jobs hello\nquit\n") == "OK\nOK\n")
        #expect(try telnet.line()?.trimmingCharacters(in: .newlines) == "MSG jobs 5")
        #expect(try telnet.line()?.trimmingCharacters(in: .newlines) == "hello")
        try telnet.say("quit\n")
        #expect(try telnet.rest().hasPrefix("OK"))
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("A Unix-domain socket serves the same channels")
    func aUnixSocketServesTheSameChannels() throws {
        let path = temporaryPath("meet.sock")
        let daemon = try Daemon(["--listen", "127.0.0.1:0", "--listen", "unix:\(path)"], listeners: 2)
        #expect(daemon.readyLines[1] == "ready unix=\(path)")
        let local = try Program("/usr/bin/env", ["nc", "-U", path])
        try local.say("recv jobs\nquit\n")
        try local.closeInput()
        #expect(try daemon.conversation("send jobs hello\nquit\n") == "OK\nOK\n")
        #expect(try local.rest() == "MSG jobs 5\nhello\nOK\n")
        try daemon.expectEnd(after: SIGTERM)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("A client of the server's user on a Unix-domain socket may close other connections, and no other client may")
    func localOperatorsCloseConnections() throws {
        let path = temporaryPath("meet.sock")
        let daemon = try Daemon(["--listen", "127.0.0.1:0", "--listen", "unix:\(path)"], listeners: 2)
        let sender = try daemon.netcat()
        try sender.say("name victim\n#1 send jobs hello\n")
        #expect(try sender.line() == "OK")
        #expect(try daemon.conversation("kill client=x\nquit\n").hasPrefix("ERR denied KILL needs"))
        let local = try Program("/usr/bin/env", ["nc", "-U", path])
        try local.say("waiters format=json\n")
        _ = try local.line()
        let waiters = try #require(try local.line())
        let address = try #require(waiters.firstMatch(of: /"client":"([^"]*)"/)?.1)
        try local.say("kill client=nobody\nkill client=\(address) enough of you\n")
        #expect(try local.line() == "ERR not-found no connection has that address or principal")
        #expect(try local.line() == "OK connections=1")
        #expect(try sender.line() == "#1 CANCELLED closing")
        #expect(try sender.line() == "ERR denied KILL closed the connection: enough of you")
        try daemon.expect(status: 1, "no connection", of: "kill", "--hub", "unix:\(path)", "--client", "nobody")
        try daemon.expectEnd(after: SIGTERM)
    }

    @Test("A client of another protocol is refused, and none of its lines run")
    func otherProtocolsAreTurnedAway() throws {
        let daemon = try Daemon()
        let reply = try daemon.conversation("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nsend jobs smuggled\n")
        #expect(reply.hasPrefix("ERR not-sluice "))
        #expect(reply.utf8.count { $0 == 0x0A } == 1)
        #expect(try daemon.conversation("recv timeout=0 jobs\nquit\n") == "TIMEOUT\nOK\n")
        try daemon.expectEnd(after: SIGTERM)
    }
}
