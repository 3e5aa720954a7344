import Foundation
import TestSupport
import Testing

/// Messages whose work fails, messages for later, and fences, through `sluice`.
@Suite("Failures through sluice", .serialized, .bounded) struct FailureTests {
    @Test("recv --exec rejects a message after its last attempt, and it moves to the dead channel")
    func aWorkerGivesUp() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "attempt 1\nattempt 2\nbad\n",
            of: """
                sluice open --capacity 5 dead; sluice open --capacity 5 --dead dead jobs
                sluice send jobs bad
                sluice recv --exec 'echo attempt $SLUICE_ATTEMPT; exit 3' --max-attempts 2 --backoff 10ms jobs 2> /dev/null &
                sluice recv dead; kill $!; wait
                """)
    }

    @Test("A channel gives up after its max-attempts, and the sender's status tells it")
    func aChannelGivesUp() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "6\n",
            of: """
                sluice open --max-attempts 1 jobs
                sluice recv --exec false jobs 2> /dev/null & sluice send jobs bad 2> /dev/null
                echo $?; kill $!; wait
                """)
    }

    @Test("dead shows rejected messages, leaves them in their order, and sends them back")
    func rejectedMessagesAreShown() throws {
        let daemon = try Daemon()
        try daemon.expect(
            """
            dead jobs 2
            gone jobs -
            gone does not exist other 0 1
            {"attempts":1,"from":"jobs","message":"a","reason":"attempts"}
            {"message":"c"}
            {"attempts":1,"from":"jobs","message":"a","reason":"attempts"}
            1
            a
            c

            """,
            of: """
                sluice open --capacity 5 dead; sluice open --capacity 5 --max-attempts 1 --dead dead jobs
                sluice send jobs a; sluice recv --exec false --timeout 0 jobs 2> /dev/null; sluice send dead c
                sluice open --capacity 5 --max-attempts 1 --dead gone other
                sluice dead list | while read d m f r; do [ "$f" = jobs ] && echo $d $f $m; done
                sluice dead list | grep -c "gone *does not exist *other" | sed "s/1/gone jobs -/"
                sluice send other d; sluice recv --exec false --timeout 0 other 2> /dev/null
                sluice dead list | grep gone | tr -s ' '
                sluice dead show --json dead; sluice dead show --json -n 1 dead; sluice dead redrive -n 1 dead
                sluice recv jobs; sluice recv dead
                """)
        // The message that has waited moves when its dead channel is opened.
        try daemon.expect(
            "d\n0\n",
            of: "sluice open --capacity 1 gone; sluice recv gone; sluice recv other --timeout 0; echo $(($? - 3))")
        try daemon.expect(status: 1, "no such channel", of: "dead", "redrive", "nowhere")
        try daemon.expect(status: 0, of: "dead", "show", "nowhere")
    }

    @Test("send --delay sends a message for later")
    func aMessageForLater() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "now\n3\n",
            of: """
                sluice open --capacity 5 c; sluice send --delay 1h c later; sluice send c now
                sluice recv c; sluice recv --timeout 0 c 2> /dev/null; echo $?
                """)
    }

    @Test("--trace gives a message a word, which recv --json shows and the command of recv --exec gets")
    func traces() throws {
        let daemon = try Daemon()
        try daemon.expect(
            """
            {"channel":"c","message":"one","trace":"w-1"}
            {"channel":"c","message":"two"}
            <three w-3><four >
            answer to w-5

            """,
            of: """
                export SLUICE_TRACE=of-this-shell
                sluice open --capacity 5 c
                sluice send --trace w-1 c one; sluice send --trace '' c two; sluice recv --json -n 2 c
                sluice send --trace w-3 c three; sluice send c four
                sluice recv -n 2 --exec 'printf "<%s %s>" "$(cat)" "$SLUICE_TRACE"' c; echo
                sluice recv -n 1 --exec 'echo "answer to $SLUICE_TRACE"' --answer calls & sluice call --trace w-5 calls x
                wait
                """)
        try daemon.expect(status: 2, "128 visible ASCII", of: "send", "--trace", "a b", "c", "x")
    }

    @Test("Each holder of a lock has a greater SLUICE_FENCE")
    func holdersHaveGrowingFences() throws {
        let daemon = try Daemon()
        try daemon.expect(
            "greater\n",
            of: """
                first=$(sluice lock l -- sh -c 'echo $SLUICE_FENCE'); second=$(sluice lock l -- sh -c 'echo $SLUICE_FENCE')
                [ "$second" -gt "$first" ] && echo greater
                """)
    }

    @Test("Fences and the epoch grow over a restart with a state directory, although the clock is behind")
    func fencesGrowOverARestart() throws {
        let path = temporaryPath("state")
        try daemonScript("mkdir -p \(path); echo 5000000000000 > \(path)/epoch")
        var fences: [Int] = []
        for _ in 1...2 {
            let daemon = try Daemon(["--listen", "127.0.0.1:0", "--state-directory", path])
            let shell = try daemon.shell("sluice lock l -- sh -c 'echo $SLUICE_FENCE'")
            fences.append(try #require(Int(try shell.rest().split(separator: "\n").first ?? "")))
            _ = try shell.status()
            try daemon.expectEnd(after: SIGTERM)
        }
        #expect(fences[0] >> 20 > 5_000_000_000_000)
        #expect(fences[1] > fences[0])
    }

    private func daemonScript(_ script: String) throws {
        let shell = try Daemon().shell(script)
        _ = try shell.rest()
        #expect(try shell.status() == 0)
    }
}
