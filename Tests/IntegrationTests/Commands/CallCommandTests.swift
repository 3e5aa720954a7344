import Foundation
import TestSupport
import Testing

/// `sluice call`, and `sluice recv --exec --answer`.
@Suite("Calls through sluice", .serialized, .bounded) struct CallCommandTests {
    @Test("A call prints what the worker's command prints")
    func aCallPrintsTheAnswer() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "49\n{\"answer\":\"64\",\"channel\":\"squares\"}\n81|\n",
            of: """
                sluice recv squares -n 3 --exec 'read n; echo $((n * n))' --answer &
                sluice call squares 7
                sluice call --json squares 8
                printf 9 | sluice call --raw squares; echo '|'
                wait
                """)
    }

    @Test("A command gets the message as a line, and answers with a line")
    func messagesAndAnswersAreLines() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "42\n6|\n[a\nb]\n",
            of: """
                sluice recv sums -n 3 --exec 'bc' --answer & sluice call sums '6 * 7'
                sluice call --raw sums '1 + 2 + 3'; echo '|'; sluice send sums 1; wait
                sluice recv lines -n 1 --exec 'printf "[a\nb]\n"' --answer & sluice call lines x; wait
                """)
    }

    @Test("With --raw, a message and its answer keep their bytes")
    func anAnswerKeepsItsBytes() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "same\nsame\n",
            of: """
                sluice recv echo -n 3 --exec cat --answer --raw &
                file=$(mktemp); head -c 100000 /dev/urandom > $file; echo >> $file
                sluice call --raw echo < $file | cmp - $file && echo same
                sluice call --raw echo < /dev/null | cmp - /dev/null && echo same
                sluice send echo x; rm $file
                wait
                """)
    }

    @Test("The exit status of a call tells whether it was answered")
    func theStatusTellsWhatHappened() throws {
        let daemon = try Daemon()
        try daemon.expect(status: 3, "the time ran out", of: "call", "--timeout", "0", "squares", "7")
        try daemon.expect(status: 2, "--raw and --json", of: "call", "--raw", "--json", "squares", "7")
        try daemon.expect(status: 2, "--answer require --exec", of: "recv", "--answer", "squares")
        let plain = try daemon.sluice("recv", "squares")
        try daemon.expect(status: 1, "without an answer", of: "call", "squares", "7")
        #expect(try plain.rest() == "7\n")
        try daemon.expect(status: 0, of: "close", "closed")
        try daemon.expect(status: 4, "closed is closed", of: "call", "closed", "7")
        #expect(try plain.status() == 0)
    }

    @Test("A call that ends while a worker has its message gets the answer when it is repeated")
    func aRepeatedCallGetsTheAnswer() throws {
        let daemon = try Daemon()
        let gate = temporaryPath("gate-\(UUID())")
        #expect(mkfifo(gate, 0o600) == 0)
        defer { unlink(gate) }
        let worker = try daemon.sluice(
            "recv", "squares", "-n", "1", "--exec", "cat > /dev/null; read line < \(gate); echo 49", "--answer")
        let call = try daemon.sluice("call", "--id", "a", "squares", "7")
        try daemon.expect("", of: "until sluice waiters squares | grep -q 'under lease'; do :; done")
        call.send(signal: SIGINT)
        #expect(try call.errorLine()?.contains("in doubt") == true)
        #expect(try call.status() == -SIGINT)
        try daemon.expect("", of: "echo > \(gate)")
        try daemon.expect("49\n", of: "sluice call --id a squares 7")
        #expect(try worker.status() == 0)
        try daemon.expect("49\n", of: "sluice call --id a squares 7")
        try daemon.expect(status: 1, "the id belongs to", of: "send", "--id", "a", "squares", "7")
    }

    @Test("A call whose hub is lost is in doubt")
    func aLostCallIsInDoubt() throws {
        let daemon = try Daemon()
        let call = try daemon.sluice("call", "squares", "7")
        try daemon.expect("", of: "until sluice waiters squares | grep -q send; do :; done")
        daemon.program.send(signal: SIGKILL)
        #expect(try call.status() == 5)
    }

    @Test("The message of a command that fails comes again, and the next command answers it")
    func aFailedCommandDoesNotAnswer() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "2\n",
            of: """
                sluice recv squares --retry-delay 0 --exec 'echo $SLUICE_ATTEMPT; [ $SLUICE_ATTEMPT = 2 ]' --answer \\
                    2> /dev/null & worker=$!
                sluice call squares 7
                kill $worker; wait
                """)
    }

    @Test("An interrupted call is withdrawn")
    func anInterruptedCallIsWithdrawn() throws {
        let daemon = try Daemon()
        let call = try daemon.sluice("call", "squares", "7")
        try daemon.expect("", of: "until sluice waiters squares | grep -q send; do :; done")
        call.send(signal: SIGINT)
        #expect(try call.status() == -SIGINT)
        try daemon.expect(status: 3, of: "recv", "--timeout", "0", "squares")
    }
}
