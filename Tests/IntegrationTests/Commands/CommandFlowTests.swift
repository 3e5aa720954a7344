import Foundation
import TestSupport
import Testing

/// Sends many messages through `sluice`, and checks their outcomes when a program ends in between.
@Suite("Streams of messages through sluice", .serialized, .bounded) struct CommandFlowTests {
    @Test("Many lines arrive in order", arguments: [("", 300_000), ("--ack", 50_000)])
    func manyLinesArriveInOrder(ack: String, lines: Int) throws {
        let daemon = try Daemon()
        // The milestones show progress, so that the test needs no bound for the whole.
        let step = lines / 20
        let milestones = stride(from: step, through: lines, by: step).map { "\($0)\n" }.joined()
        try daemon.expect(
            milestones + "same\n",
            of: """
                seq \(lines) | sluice send jobs &
                sluice recv -n \(lines) \(ack) jobs |
                    awk '$0 != NR { print "wrong: " $0; exit } NR % \(step) == 0 { print NR; fflush() }
                         END { if (NR == \(lines)) print "same" }'
                """)
    }

    @Test("pipe forwards in order, and ends when its source is closed")
    func aPipeForwardsInOrderAndEndsWithItsSource() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "same\n0\n",
            of: """
                sluice pipe a b & pipe=$!
                (seq 20000 | sluice send a; sluice close a) &
                sluice recv -n 20000 b | cmp - <(seq 20000) && echo same
                wait $pipe; echo $?
                """)
    }

    @Test("pipe gives a message back when its destination is closed")
    func aPipeLosesNothingWhenItsEndIsClosed() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "4\n1\n",
            of: """
                sluice send a 1 & sluice close b; sluice pipe a b 2> /dev/null; echo $?
                sluice recv a
                """)
    }

    @Test("pipe ends when the hub of its destination stops, if it may not connect again")
    func aPipeEndsWithTheHubThatItSendsTo() throws {
        let daemon = try Daemon()
        let other = try Daemon()
        let pipe = try daemon.sluice("pipe", "--no-reconnect", "a", "b", "--to", "127.0.0.1:\(try other.port)")
        let sender = try daemon.sluice("send", "a", "x")
        try other.expect("x\n", of: "sluice recv b")
        #expect(try sender.status() == 0)
        try other.expectEnd(after: SIGTERM)
        #expect(try pipe.status() == 1)
    }

    private struct Tally: Decodable {
        var taken: Int
        var withdrawn: Int
        var ended: Int
        var inDoubt: Int
    }

    private func tally(_ program: Program) throws -> Tally {
        try JSONDecoder().decode(Tally.self, from: Data(try #require(try program.line()).utf8))
    }

    @Test("An interrupted send counts exactly the messages that were taken", arguments: [1, 700, 5000])
    func anInterruptedSenderKnowsWhatWasTaken(lines: Int) throws {
        let daemon = try Daemon()
        let receiver = try daemon.sluice("recv", "--follow", "jobs")
        let sender = try daemon.shell("exec sluice send --json jobs < <(seq 100000000)")
        for _ in 0..<lines { _ = try receiver.line() }
        sender.send(signal: SIGINT)
        let sent = try tally(sender)
        #expect(try sender.status() == -SIGINT)
        try daemon.expect(status: 0, of: "close", "jobs")
        #expect(lines + (try receiver.rest().count { $0 == "\n" }) == sent.taken)
        #expect(sent.inDoubt == 0)
        #expect(try receiver.status() == 0)
    }

    @Test("An interrupted recv prints every message that it has taken", arguments: [1, 700, 5000])
    func anInterruptedReceiverPrintsAllThatItTook(lines: Int) throws {
        let daemon = try Daemon()
        let receiver = try daemon.sluice("recv", "--follow", "jobs")
        let sender = try daemon.shell("exec sluice send --json jobs < <(seq 100000000)")
        for _ in 0..<lines { _ = try receiver.line() }
        receiver.send(signal: SIGTERM)
        let rest = try receiver.rest().count { $0 == "\n" }
        #expect(try receiver.status() == -SIGTERM)
        try daemon.expect(status: 0, of: "poison", "jobs")
        #expect(lines + rest == (try tally(sender)).taken)
        #expect(try sender.status() == 4)
    }

    @Test("recv ends by SIGPIPE when its output has no reader")
    func whoNobodyReadsEndsByTheBrokenPipe() throws {
        let daemon = try Daemon()
        // The reader prints the line before it ends. `head` closes its input first, and prints then.
        try daemon.expect(
            "1\n141\n",
            of: """
                (sluice recv --follow jobs; echo $? >&3) 3>&1 1> >(read -r line; echo "$line") & reader=$!
                sluice send jobs 1
                wait $reader
                """)
    }

    @Test("A signal that the parent ignores stays ignored")
    func aSignalThatIsToBeIgnoredIs() throws {
        let daemon = try Daemon()
        let receiver = try daemon.shell("trap '' HUP; exec sluice recv -n 2 jobs")
        try daemon.expect(status: 0, of: "send", "jobs", "one")
        receiver.send(signal: SIGHUP)
        try daemon.expect(status: 0, of: "send", "jobs", "two")
        #expect(try receiver.rest() == "one\ntwo\n")
        #expect(try receiver.status() == 0)
    }

    // MARK: Workers

    @Test("A message goes back when its command fails")
    func aCommandThatFailsGivesItsMessageBack() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "first\nsecond\n",
            of: """
                sluice send jobs second &
                sluice recv jobs -n 1 --quiet --retry-delay 0 --exec '
                    if [ "$SLUICE_ATTEMPT" = 1 ]; then echo first; exit 1; else cat; echo; fi'
                """)
    }

    @Test("Killed workers lose no message")
    func workersThatAreKilledLoseNothing() throws {
        let daemon = try Daemon()
        let path = temporaryPath("work")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data().write(to: URL(fileURLWithPath: path))
        let work = "read -r n; echo begun; echo $n >> \(path)"
        let sender = try daemon.shell("seq 60 | sluice send --json jobs")
        for _ in 0..<4 {
            let worker = try daemon.sluice("recv", "jobs", "--parallel", "3", "--exec", work)
            for _ in 0..<5 { #expect(try worker.line() == "begun") }
            worker.send(signal: SIGKILL)
        }
        let last = try daemon.sluice("recv", "jobs", "--parallel", "3", "--exec", work)
        #expect(try tally(sender).taken == 60)
        last.send(signal: SIGTERM)
        #expect(try last.status() == -SIGTERM)
        let done = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").compactMap { Int($0) }
        #expect(Set(done) == Set(1...60))
    }

    @Test("No more commands run at a time than --parallel allows", arguments: [1, 3])
    func parallelCommands(count: Int) throws {
        let daemon = try Daemon()
        let senders = try (0...count).map { try daemon.sluice("send", "jobs", "\($0)") }
        let observer = try LineSocket(port: daemon.port)
        func info() throws -> String {
            _ = try observer.answer(to: "info format=json")
            return try #require(try observer.line())
        }
        #expect(try spin { try info().contains(#""parked":\#(count + 1),"#) })
        let worker = try daemon.sluice(
            "recv", "jobs", "--parallel", "\(count)", "--exec", "echo begun; trap '' TERM; while :; do sleep 0.01; done"
        )
        for _ in 0..<count { #expect(try worker.line() == "begun") }
        // The receive waits beside the sends of which its window has no more.
        #expect(try spin { try info().contains(#""parked":\#(count + 2),"#) })
        #expect(try info().contains(#""leases":\#(count),"#))
        observer.close()
        try daemon.expect(status: 0, of: "poison", "jobs")
        worker.send(signal: SIGINT)
        worker.send(signal: SIGINT)
        for sender in senders { #expect(try sender.status() == 4) }
    }

    @Test("Two signals at once reach the command that is running")
    func twoSignalsReachTheRunningCommand() throws {
        let daemon = try Daemon()
        let sender = try daemon.sluice("send", "jobs", "a")
        let worker = try daemon.sluice(
            "recv", "jobs", "--exec", "trap 'echo told; exit' INT TERM; echo begun; while :; do sleep 0.01; done")
        #expect(try worker.line() == "begun")
        // Both are pending when the worker goes on.
        for signal in [SIGSTOP, SIGINT, SIGTERM, SIGCONT] { worker.send(signal: signal) }
        #expect(try worker.line() == "told")
        try daemon.expect(status: 0, of: "poison", "jobs")
        #expect([4, 0].contains(try sender.status()))
    }

    @Test("A worker ends when as many messages as it was asked for are completed", arguments: [1, 3])
    func completedMessagesAreCounted(parallel: Int) throws {
        let daemon = try Daemon()
        try daemon.expect(
            "a\nb\nc\nd\n0\n3\n",
            of: """
                sluice open --capacity 9 jobs; printf '%s\\n' a b c d | sluice send jobs
                sluice recv jobs -n 4 --parallel \(parallel) --quiet --retry-delay 0 --exec '
                    read -r m; [ $SLUICE_ATTEMPT = 3 ] && echo $m' | sort; echo ${PIPESTATUS[0]}
                sluice recv --quiet --timeout 0 jobs; echo $?
                """)
    }

    @Test(
        "A worker whose commands fail goes on, and its status tells how it ended",
        arguments: [
            // A message that is rejected is not completed.
            ("-n 1 --max-attempts 2 --exec 'read -r m; [ $m = b ]'", "6\n0\n"),
            ("-n 2 --max-attempts 1 --exec 'read -r m; [ $m = b ]' --timeout 0", "3\n0\n"),
            ("-n 1 --exec 'read -r m; [ $SLUICE_ATTEMPT = 2 ]'", "0\n1\n"),
            // The channel is closed after b.
            ("-n 3 --exec 'read -r m; [ $m != b ] || sluice close jobs; [ $SLUICE_ATTEMPT -gt 1 ]'", "4\n0\n"),
            ("--max-attempts 2 --exec 'read -r m; [ $m != b ] || sluice close jobs; exit 1'", "0\n0\n"),
        ])
    func failedCommandsAreTold(worker: String, output: String) throws {
        let daemon = try Daemon()
        try daemon.expect(
            output,
            of: """
                sluice open --capacity 9 jobs; printf '%s\\n' a b | sluice send jobs
                sluice recv jobs --quiet --retry-delay 0 \(worker); echo $?
                sluice channels --json jobs | grep -o '"buffered":[0-9]*' | cut -d: -f2 | grep . || echo 0
                """)
    }

    @Test("A worker tells whether a message goes back or is rejected by its channel's policy")
    func rejectionsByTheChannelAreTold() throws {
        let daemon = try Daemon()
        try daemon.expect(
            """
            sluice: the command has ended with 1, and its message goes back
            sluice: the command has ended with 1, and its message is rejected
            6

            """,
            of: """
                sluice open --capacity 9 --max-attempts 2 jobs; printf '%s\n' a b | sluice send --quiet jobs
                sluice recv jobs -n 1 --retry-delay 0 --exec 'read -r m; [ $m = b ]' 2>&1; echo $?
                """)
    }

    @Test("A second signal ends a worker whose command goes on")
    func aSecondSignalEndsAtOnce() throws {
        let daemon = try Daemon()
        let sender = try daemon.sluice("send", "jobs", "x")
        let worker = try daemon.sluice(
            "recv", "jobs", "--exec",
            "trap 'echo trapped' INT; echo $$; end=$(($(date +%s) + 60)); while [ $(date +%s) -lt $end ]; do sleep 0.01; done"
        )
        let command = try #require(try worker.line().flatMap { Int32($0) })
        defer { kill(command, SIGKILL) }
        worker.send(signal: SIGINT)
        #expect(try worker.line() == "trapped")
        worker.send(signal: SIGINT)
        // The message goes back with the connection.
        try daemon.expect("x\n", of: "sluice recv jobs")
        #expect(try sender.status() == 0)
        kill(command, SIGKILL)
        #expect(try worker.status() == -SIGINT)
    }

    @Test("Of two signals at once, the second one ends a worker whose command goes on")
    func twoSignalsEndAtOnce() throws {
        let daemon = try Daemon()
        let sender = try daemon.sluice("send", "jobs", "x")
        let told = temporaryPath("told")
        defer { try? FileManager.default.removeItem(atPath: told) }
        let worker = try daemon.sluice(
            "recv", "jobs", "--exec",
            "mkfifo \(told); trap 'echo reached >\(told)' INT TERM; echo $$; while :; do sleep 0.01; done")
        let command = try #require(try worker.line().flatMap { Int32($0) })
        defer { kill(command, SIGKILL) }
        // Both are pending when the process goes on.
        for number in [SIGSTOP, SIGINT, SIGTERM, SIGCONT] { worker.send(signal: number) }
        try daemon.expect("reached\n", of: "head -n 1 \(told)")
        // The message goes back with the connection.
        try daemon.expect("x\n", of: "sluice recv jobs")
        #expect(try sender.status() == 0)
        kill(command, SIGKILL)
        #expect([-SIGINT, -SIGTERM].contains(try worker.status()))
    }

    @Test("An interrupted worker passes the signal on and gives its message back")
    func anInterruptedWorkerPassesItOnAndGivesTheMessageBack() throws {
        let daemon = try Daemon()
        let sender = try daemon.sluice("send", "jobs", "precious")
        let worker = try daemon.sluice(
            "recv", "jobs", "--exec",
            "trap 'echo trapped; exit 7' INT; echo begun; while :; do sleep 0.01; done")
        #expect(try worker.line() == "begun")
        worker.send(signal: SIGINT)
        #expect(try worker.rest() == "trapped\n")
        #expect(try worker.status() == -SIGINT)
        try daemon.expect("precious\n", of: "sluice recv jobs")
        #expect(try sender.status() == 0)
    }

    @Test(
        "Commands are stopped when the hub is lost",
        arguments: [["recv", "--no-reconnect", "jobs", "--exec"], ["lock", "jobs", "--", "bash", "-c"]])
    func aLostHubStopsTheCommands(arguments: [String]) throws {
        let daemon = try Daemon()
        let script = "trap 'echo stopped; exit 1' TERM; echo begun; while :; do sleep 0.01; done"
        let words = (arguments + [script]).map { "\"" + $0 + "\"" }.joined(separator: " ")
        let worker = try daemon.shell("exec sluice \(words)")
        let sender = arguments[0] == "recv" ? try daemon.sluice("send", "jobs", "x") : nil
        #expect(try worker.line() == "begun")
        try daemon.expectEnd(after: SIGKILL, status: -SIGKILL)
        #expect(try worker.rest() == "stopped\n")
        #expect(try worker.status() == (sender == nil ? 5 : 1))
        if let sender { #expect(try sender.status() == 5) }
    }

    // MARK: Locks

    @Test("Only one process holds a lock at a time")
    func oneHoldsTheLockAtATime() throws {
        let daemon = try Daemon()
        let path = temporaryPath("lock")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try daemon.expect(
            "0\n20\n",
            of: """
                for i in {1..20}; do
                    sluice lock db -- bash -c 'mkdir \(path).d && echo $$ >> \(path) && rmdir \(path).d' & all+=($!)
                done
                bad=0; for one in ${all[@]}; do wait $one || bad=1; done
                echo $bad; wc -l < \(path)
                """)
    }

    @Test("A lock is renewed while its command runs")
    func aLockIsRenewed() throws {
        let daemon = try Daemon()
        let holder = try daemon.sluice(
            "lock", "--lease", "4s", "db", "--", "bash", "-c", "echo held; sleep 5; exit 7")
        #expect(try holder.line() == "held")
        try daemon.expect("0\n", of: "sluice lock db -- true; echo $?")
        #expect(try holder.status() == 7)
    }

    @Test("A lock is free when its holder dies")
    func theLockIsFreeWhenItsHolderDies() throws {
        let daemon = try Daemon()
        let holder = try daemon.sluice("lock", "db", "--", "bash", "-c", "echo held $$; exec 1>&-; read")
        let process = try #require(try holder.line()?.split(separator: " ").last.flatMap { Int32($0) })
        try daemon.expect(status: 3, of: "lock", "--timeout", "0", "db", "--", "true")
        holder.send(signal: SIGKILL)
        try daemon.expect(status: 7, of: "lock", "db", "--", "bash", "-c", "exit 7")
        kill(process, SIGKILL)
    }
}
