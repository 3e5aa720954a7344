import Foundation
import TestSupport
import Testing

/// Checks the output and the exit status of each command.
@Suite("Commands of sluice", .serialized, .bounded) struct CommandTests {
    @Test("send delivers a message to recv")
    func aMessageArrives() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "sweep the yard\n0\n", of: "sluice recv jobs & sluice send jobs sweep the yard; wait $!; echo $?")
    }

    @Test("A stopping hub withdraws what waits, with status 1")
    func whatWaitsWhenTheHubStopsDidNotHappen() throws {
        let daemon = try Daemon()
        let waiting = [
            try daemon.sluice("recv", "a"), try daemon.sluice("send", "b", "x"),
            try daemon.sluice("recv", "--follow", "--no-reconnect", "c"),
            try daemon.sluice("select", "recv", "d", ",", "send", "e", "x"),
            try daemon.sluice("barrier", "-n", "2", "f"),
        ]
        let observer = try LineSocket(port: daemon.port)
        // `recv --follow` has two counted receives pending.
        let areParked = try spin {
            _ = try observer.answer(to: "info format=json")
            return try #require(try observer.line()).contains(#""parked":6,"#)
        }
        #expect(areParked)
        observer.close()
        try daemon.expectEnd(after: SIGTERM)
        for program in waiting {
            let errors = try program.errorOutput()
            #expect(errors.hasSuffix("withdrawn: draining\n") && errors.hasPrefix("sluice: "), "\(errors)")
            #expect(try program.status() == 1)
        }
    }

    @Test("The exit status and the error message report the outcome")
    func theStatusTellsWhatHappened() throws {
        let daemon = try Daemon()
        let alone = "the time ran out: nobody receives from 'jobs'"
        try daemon.expect(status: 3, alone, of: "send", "--timeout", "0", "jobs", "x")
        try daemon.expect(status: 3, alone, of: "call", "--timeout", "1ms", "jobs", "x")
        // The worker is busy with the message that its command sends from.
        try daemon.expect(
            "sluice: the time ran out\n",
            of: "sluice recv jobs -n 1 --exec 'sluice send --timeout 1ms jobs y 2>&1; true' & sluice send jobs x; wait")
        try daemon.expect(status: 3, "the time ran out", of: "recv", "--timeout", "1ms", "jobs")
        try daemon.expect(status: 3, of: "select", "--timeout", "0", "recv", "a", ",", "recv", "b")
        try daemon.expect(status: 3, of: "barrier", "--timeout", "0", "-n", "2", "start")
        try daemon.expect(
            status: 3, of: "lock", "--timeout", "0", "free", "--", "sluice", "lock", "--timeout", "0", "free", "--",
            "true")
        try daemon.expect(status: 0, of: "close", "jobs")
        try daemon.expect(status: 4, "jobs is closed", of: "send", "jobs", "x")
        try daemon.expect(status: 4, "jobs is closed", of: "recv", "jobs")
        try daemon.expect(status: 0, of: "recv", "--follow", "jobs")
        try daemon.expect(status: 0, of: "poison", "jobs", "no", "paper")
        try daemon.expect(status: 4, "jobs is poisoned: no paper", of: "recv", "--follow", "jobs")
        try daemon.expect(status: 0, of: "open", "--capacity", "1", "kept")
        try daemon.expect(status: 1, "refused (conflict)", of: "open", "--capacity", "2", "kept")
        try daemon.expect(status: 2, "--coumt", of: "recv", "--coumt", "1", "jobs")
        try daemon.expect(status: 2, "a name must be", of: "recv", "jobs!")
        try daemon.expect(status: 2, "a duration is", of: "recv", "--timeout", "1", "jobs")
        try daemon.expect(status: 2, "an arm is", of: "select", "recv", "a", ",", "give", "b")
        try daemon.expect(status: 2, "the command is missing", of: "lock", "jobs")
        try daemon.expect(status: 1, "refused", of: "ping", "--hub", "127.0.0.1:1")
        try daemon.expect(status: 2, "top needs a terminal", of: "top")
    }

    @Test("The exit status of a message that is rejected is 6")
    func aRejectedMessageIsTold() throws {
        let daemon = try Daemon()
        let worker = try daemon.sluice("recv", "jobs", "-n", "1", "--exec", "exit 3", "--max-attempts", "1")
        for command in ["send", "call"] {
            try daemon.expect(status: 6, "rejected on jobs: the command has ended with 3", of: command, "jobs", "x")
        }
        let sender = try daemon.sluice("send", "--json", "jobs", "x")
        #expect(try sender.rest().contains(#""refused":1"#))
        #expect(try sender.status() == 6)
        worker.send(signal: SIGTERM)
        #expect(try worker.status() == -SIGTERM)
    }

    @Test("--quiet leaves stderr empty")
    func quietSaysNothing() throws {
        let daemon = try Daemon()
        let program = try daemon.sluice("send", "--quiet", "--timeout", "0", "jobs", "x")
        #expect(try program.errorOutput() == "")
        #expect(try program.status() == 3)
    }

    @Test("A send whose time runs out under a lease is in doubt, with status 5")
    func aMessageUnderALeaseIsInDoubt() throws {
        let daemon = try Daemon()
        let receiver = try LineSocket(port: try daemon.port)
        try receiver.send(Array("recv lease=1m jobs\n".utf8))
        try daemon.expect(status: 5, "in doubt", of: "send", "--timeout", "50ms", "jobs", "x")
        #expect(try receiver.line()?.hasPrefix("MSG jobs 1 did=") == true)
    }

    @Test("A send whose hub is killed is in doubt, with status 5")
    func aLostHubLeavesSendersInDoubt() throws {
        let daemon = try Daemon()
        let sender = try daemon.sluice("send", "jobs", "x")
        try daemon.expect("", of: "until sluice waiters jobs | grep -q 'send jobs'; do :; done")
        try daemon.expectEnd(after: SIGKILL, status: -SIGKILL)
        #expect(try sender.errorOutput().contains("has closed the connection"))
        #expect(try sender.status() == 5)
    }

    @Test("Standard input is cut into messages as the options say")
    func standardInputIsCutAsAskedFor() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "a b|c|d\n",
            of: "sluice open --capacity 9 q; printf 'a b\\nc\\nd' | sluice send q; sluice recv -n 3 q | paste -sd'|'")
        try daemon.expect(
            "x\ny|z\n",
            of:
                "printf 'x\\ny\\0z' | sluice send --null q; sluice recv -n 2 --null q | tr '\\0' '|' | sed 's/|$//'; echo"
        )
        try daemon.expect("1\n2\n", of: "printf '1\\n2\\n' | sluice send --whole q; sluice recv --raw q")
        try daemon.expect(
            #"{"channel":"q","message":"hi"}"# + "\n" + #"{"base64":"/w==","channel":"q"}"# + "\n",
            of: "sluice send q hi; printf '\\377' | sluice send --whole q; sluice recv -n 2 --json q")
        try daemon.expect(
            #"{"dropped":0,"duplicates":0,"ended":0,"inDoubt":0,"refused":0,"taken":2,"timedOut":0,"withdrawn":0}"#
                + "\n",
            of: "printf '1\\n2\\n' | sluice send --json q")
        try daemon.expect(status: 0, of: "send", "q")
    }

    @Test("select takes one arm and prints it")
    func aSelectTakesOneArm() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "1 recv b hello there\n", of: "sluice select recv a , recv b & sluice send b hello there; wait")
        try daemon.expect(
            "hi\n2 send c\n",
            of: "sluice recv c & sluice select recv a , recv b , send c hi > out.$$; wait; cat out.$$; rm out.$$")
        try daemon.expect("1 else\n", of: "sluice select recv a , else")
        try daemon.expect(
            #"{"arm":0,"channel":"a","kind":"recv","message":"x"}"# + "\n",
            of: "sluice select --json recv a , recv b & sluice send a x; wait")
    }

    @Test("barrier ends when all parties are there")
    func partiesMeet() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "0 0\n", of: "sluice barrier -n 2 start & sluice barrier -n 2 start; a=$?; wait $!; echo $a $?")
    }

    @Test("The inspection commands print their reports")
    func theHubIsLookedInto() throws {
        let daemon = try Daemon()
        try daemon.expect("queue\n", of: "sluice open --capacity 2 jobs; sluice channels --json j | grep -o queue")
        try daemon.expect("no operation is waiting\nno client is stuck\n", of: "sluice waiters; sluice stuck")
        try daemon.expect("painter\n", of: "sluice clients --label painter | grep -o painter")
        try daemon.expect(
            "yes\n", of: "sluice info | grep -q '^messages taken' && sluice ping | grep -q 'answers in' && echo yes")
        let trace = try daemon.sluice("trace", "jobs")
        try daemon.expect(
            "", of: "until sluice waiters | grep -q trace; do :; done; sluice send jobs x; sluice recv jobs > /dev/null"
        )
        #expect(try trace.line()?.contains("jobs  1 B") == true)
        trace.send(signal: SIGINT)
        #expect(try trace.status() == -SIGINT)
    }

    @Test("top restores the screen when it ends", arguments: ["q", "\u{3}"])
    func topTakesTheScreenAndGivesItBack(key: String) throws {
        let daemon = try Daemon()
        let terminal = try daemon.shell(
            """
            sluice open --capacity 1 jobs
            (until sluice clients | grep -q sluice-top; do :; done; printf '\(key)') |
                TERM=xterm LC_ALL=C.UTF-8 script -qec 'stty rows 24 cols 80; exec sluice top' /dev/null
            echo "status $?"
            """)
        let screen = try terminal.rest()
        let picture = try #require(screen.firstMatch(of: #/\u{1B}\[\?1049h(?s:.*)\u{1B}\[\?1049l/#)?.0)
        #expect(picture.contains(" sluice top ") && picture.contains("CHANNEL") && picture.contains("q"))
        #expect(screen.hasSuffix("status \(key == "q" ? 0 : 130)\n"))
    }

    @Test("Completion scripts are printed for each shell")
    func completionScriptsAreThere() throws {
        let daemon = try Daemon()
        for shell in ["bash", "zsh", "fish"] {
            let program = try daemon.sluice("--generate-completion-script", shell)
            #expect(try program.rest().contains("barrier"))
            #expect(try program.status() == 0)
        }
    }
}
