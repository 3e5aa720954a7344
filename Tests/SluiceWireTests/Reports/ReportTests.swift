import SluiceWire
import Testing

@Suite struct ReportTests {
    // MARK: INFO

    @Test("A server report shows every property")
    func theServerAsAWhole() {
        let report = ServerReport(
            version: "0.9.0", protocolVersion: 1, epoch: 1_764_031_000, uptimeSeconds: 11_159, isDraining: true,
            connections: 3,
            parked: 12_000, channels: 4, endedChannels: 5, leases: 6, bufferedMessages: 1200, bufferedBytes: 3_565_159,
            rememberedSends: 7, handoffs: 1_234_567, rejections: 12_345, deadLetters: 8, waitingDeadLetters: 2,
            refusedConnections: 8,
            endings: ["reset": 2, "end-of-input": 1000, "quit": 17],
            residentBytes: 13_002_343, memoryBytes: 2 << 20, memoryLimitBytes: 1 << 30,
            processes: [
                ProcessReport(name: "resize", kind: "pipe", state: .running, restarts: 1, messages: 1234),
                ProcessReport(name: "mail", kind: "pipe", state: .waitingToRestart, restarts: 12, lastError: "exit\n1"),
                ProcessReport(name: "clock", kind: "ticker", state: .stopped),
            ])
        #expect(
            report.text == """
                version              0.9.0
                protocol             1
                epoch                1764031000
                uptime               3 h 05 m
                state                draining
                resident memory      12.4 MiB
                clients' memory      2 MiB of 1 GiB

                connections          3
                refused connections  8
                waiting operations   12 000
                channels in use      4
                ended channels       5

                messages taken       1 234 567
                under lease          6
                rejected             12 345 (8 moved, 2 wait for room)
                buffered             1 200 (3.4 MiB)
                remembered ids       7

                ENDED BY      CONNECTIONS
                end-of-input         1000
                quit                   17
                reset                   2

                PROCESS  KIND    STATE               RESTARTS  MESSAGES  LAST ERROR
                resize   pipe    running                    1      1234  -
                mail     pipe    waiting to restart        12         0  exit 1
                clock    ticker  stopped                    0         0  -
                """)
    }

    @Test("A server report of a new server has no endings and no processes")
    func aServerThatHasJustStarted() {
        let report = ServerReport(version: "0.9.0", protocolVersion: 1, epoch: 1, uptimeSeconds: 0.012)
        #expect(
            report.text == """
                version              0.9.0
                protocol             1
                epoch                1
                uptime               12 ms
                state                serving
                resident memory      unknown
                clients' memory      unknown

                connections          0
                refused connections  0
                waiting operations   0
                channels in use      0
                ended channels       0

                messages taken       0
                under lease          0
                buffered             0 (0 B)
                remembered ids       0

                no connection has ended

                no process is running
                """)
    }

    // MARK: CHANNELS

    @Test("A channels report shows channels of every kind")
    func channelsOfEveryKind() {
        let report = ChannelsReport(channels: [
            ChannelReport(name: "jobs", senders: 0, receivers: 3),
            ChannelReport(name: "thumbs/resize", capacity: 64, buffered: 12, leased: 1, sendingEnds: 2),
            ChannelReport(name: "log", capacity: 1000, overflow: .dropOldest, buffered: 1000, receivingEnds: 1),
            ChannelReport(name: "now", capacity: 0, overflow: .dropNewest, receivers: 10_000),
            ChannelReport(name: "news", kind: .broadcast, senders: 1),
            ChannelReport(name: "result", kind: .once, state: .closed),
            ChannelReport(name: "disk", state: .poisoned, reason: "no space left"),
        ])
        #expect(
            report.text == """
                CHANNEL        KIND                    SEND   RECV   BUF  LEASED  ENDS  STATE
                jobs           rendezvous                 0      3     0       0     -  open
                thumbs/resize  queue 64                   0      0    12       1   2/0  open
                log            queue 1000 drop-oldest     0      0  1000       0   0/1  open
                now            queue 0 drop-newest        0  10000     0       0     -  open
                news           broadcast                  1      0     0       0     -  open
                result         once                       0      0     0       0     -  closed
                disk           rendezvous                 0      0     0       0     -  poisoned: no space left
                """)
    }

    @Test("A channels report says that no channel is in use")
    func noChannels() {
        #expect(ChannelsReport(channels: []).text == "no channel is in use")
    }

    @Test("A channels report counts the channels that it leaves out")
    func moreChannelsThanAreShown() {
        let report = ChannelsReport(channels: [ChannelReport(name: "a")], omitted: 1_234_567)
        #expect(
            report.text == """
                CHANNEL  KIND        SEND  RECV  BUF  LEASED  ENDS  STATE
                a        rendezvous     0     0    0       0     -  open
                ... and 1 234 567 more
                """)
        #expect(ChannelsReport(channels: [], omitted: 2).text.hasSuffix("\n... and 2 more"))
    }

    @Test("A long name widens its column")
    func aLongNameWidensItsColumn() {
        let name = String(repeating: "n", count: Limits.maxNameBytes)
        let report = ChannelsReport(channels: [ChannelReport(name: name), ChannelReport(name: "a")])
        let lines = report.text.split(separator: "\n")
        #expect(lines.map(\.utf8.count) == [250, 249, 249])
        #expect(lines[1].hasPrefix(name + "  rendezvous"))
    }

    @Test(
        "A reason cannot end its line",
        arguments: [
            ("a\nOK\r\nb", "poisoned: a OK  b"), ("\u{1B}[2J\u{9B}31mred", "poisoned: [2J 31mred"),
            ("a\u{2028}b\u{2029}c\u{85}d\u{0}e\u{7F}f\tg", "poisoned: a b c d e f g"),
            ("  two  words  ", "poisoned: two  words"), ("", "poisoned"), ("\n\t ", "poisoned"),
            ("größer", "poisoned: größer"),
            (String(repeating: "x", count: 5000), "poisoned: " + String(repeating: "x", count: 256)),
            (String(repeating: "ä", count: 5000), "poisoned: " + String(repeating: "ä", count: 128)),
            (String(repeating: "\n", count: 5000), "poisoned"),
        ])
    func noReasonBreaksOutOfItsLine(_ reason: String, _ state: String) {
        let report = ChannelsReport(channels: [ChannelReport(name: "a", state: .poisoned, reason: reason)])
        #expect(
            report.text == """
                CHANNEL  KIND        SEND  RECV  BUF  LEASED  ENDS  STATE
                a        rendezvous     0     0    0       0     -  \(state)
                """)
    }

    // MARK: WAITERS

    @Test("A waiters report shows operations of every kind")
    func waitersOfEveryKind() {
        let report = WaitersReport(waiters: [
            WaiterReport(
                client: "127.0.0.1:4711", label: "alice", operation: .send, targets: ["jobs"], waitingSeconds: 12.34,
                state: .underLease),
            WaiterReport(
                client: "127.0.0.1:4712", tag: "a17", operation: .receive, targets: ["jobs"], waitingSeconds: 0.85,
                timeoutSeconds: 250, state: .paused),
            WaiterReport(
                client: "[::1]:50000", operation: .select, targets: ["recv a", "send b"], waitingSeconds: 11_159),
            WaiterReport(
                client: "[::1]:50001", label: "bob", operation: .barrier, targets: ["start 2 of 3"],
                waitingSeconds: 187_200, timeoutSeconds: 0),
            WaiterReport(client: "[::1]:50002", tag: "t", operation: .trace, targets: [], waitingSeconds: 5),
        ])
        #expect(
            report.text == """
                CLIENT          LABEL  TAG    WAITED      LEFT  STATE        OPERATION
                127.0.0.1:4711  alice  -      12.3 s         -  under lease  send jobs
                127.0.0.1:4712  -      a17    850 ms  4 m 10 s  paused       recv jobs
                [::1]:50000     -      -    3 h 05 m         -  waiting      select recv a | send b
                [::1]:50001     bob    -     2 d 4 h      0 ms  waiting      barrier start 2 of 3
                [::1]:50002     -      t         5 s         -  waiting      trace
                """)
    }

    @Test("A waiters report says that no operation is waiting")
    func noWaiters() {
        #expect(WaitersReport(waiters: []).text == "no operation is waiting")
    }

    @Test("A waiters report shows the first eight arms of a select")
    func ofManyArmsTheFirstAreShown() {
        let arms = (1...64).map { "recv c\($0)" }
        func operation(_ count: Int) -> String? {
            let waiter = WaiterReport(
                client: "c", operation: .select, targets: Array(arms.prefix(count)), waitingSeconds: 1)
            return WaitersReport(waiters: [waiter]).text.split(separator: "  ").last.map(String.init)
        }
        let eight = "select " + (1...8).map { "recv c\($0)" }.joined(separator: " | ")
        #expect(operation(8) == eight)
        #expect(operation(9) == eight + " | ... and 1 more")
        #expect(operation(64) == eight + " | ... and 56 more")
    }

    @Test("A waiters report counts the operations that it leaves out")
    func moreWaitersThanAreShown() {
        let waiter = WaiterReport(client: "c", operation: .send, targets: ["a"], waitingSeconds: 1)
        #expect(
            WaitersReport(waiters: [waiter], omitted: 1000).text == """
                CLIENT  LABEL  TAG  WAITED  LEFT  STATE    OPERATION
                c       -      -       1 s     -  waiting  send a
                ... and 1 000 more
                """)
    }

    // MARK: CLIENTS

    @Test("A clients report shows clients with and without a label")
    func clients() {
        let report = ClientsReport(
            clients: [
                ClientReport(
                    address: "127.0.0.1:4711", label: "alice", principal: "ops", connectedSeconds: 3600, pending: 2,
                    leases: 10, ends: 1, memoryBytes: 2048),
                ClientReport(address: "[::1]:50000", connectedSeconds: 0.5),
            ], omitted: 1)
        #expect(
            report.text == """
                CLIENT          LABEL  PRINCIPAL  CONNECTED  PENDING  LEASES  ENDS
                127.0.0.1:4711  alice  ops         1 h 00 m        2      10     1
                [::1]:50000     -      -             500 ms        0       0     0
                ... and 1 more
                """)
    }

    @Test("A clients report says that no client is connected")
    func noClients() {
        #expect(ClientsReport(clients: []).text == "no client is connected")
    }

    // MARK: TRACE

    @Test("A handoff is shown in one line")
    func aHandoffIsALine() {
        let handoff = HandoffReport(
            secondsSinceStart: 12.345678, channel: "jobs", bodyBytes: 5, from: "127.0.0.1:4711", fromLabel: "alice",
            to: "127.0.0.1:4712")
        #expect(handoff.text == "12.345678  jobs  5 B  alice (127.0.0.1:4711) -> 127.0.0.1:4712")
    }

    @Test("A client that labels itself with another client's address does not pass for it")
    func aLabelDoesNotReplaceAnAddress() throws {
        let handoff = HandoffReport(
            secondsSinceStart: 1, channel: "a", bodyBytes: 0, from: "192.0.2.1:1", fromLabel: "192.0.2.9:9",
            to: "192.0.2.2:2", toLabel: "192.0.2.9:9")
        #expect(handoff.text.contains("(192.0.2.1:1)") && handoff.text.contains("(192.0.2.2:2)"))
        let steps = ["192.0.2.1:1", "192.0.2.2:2"].enumerated().map { number, address in
            WaitStep(
                client: address, label: number == 0 ? "192.0.2.2:2" : nil, operation: .receive, channel: "a",
                waitingSeconds: 1, waitsFor: number == 0 ? "192.0.2.2:2" : "192.0.2.1:1")
        }
        let text = StuckReport(cycles: [WaitCycle(.proved, steps: steps)]).text
        #expect(text.contains("which 192.0.2.1:1 sends"))
    }

    @Test("Every report about a client shows its address beside its label")
    func reportsShowAddresses() {
        let reports: [any Report] = [
            ClientsReport(clients: [ClientReport(address: "192.0.2.1:1", label: "boss", connectedSeconds: 1)]),
            WaitersReport(waiters: [
                WaiterReport(
                    client: "192.0.2.1:1", label: "boss", operation: .receive, targets: ["a"], waitingSeconds: 1)
            ]),
            HandoffReport(
                secondsSinceStart: 1, channel: "a", bodyBytes: 0, from: "192.0.2.1:1", fromLabel: "boss", to: "-"),
            StuckReport(cycles: [
                WaitCycle(
                    .proved,
                    steps: [
                        WaitStep(
                            client: "192.0.2.1:1", label: "boss", operation: .send, channel: "a", waitingSeconds: 1,
                            waitsFor: "192.0.2.1:1")
                    ])
            ]),
        ]
        for report in reports { #expect(report.text.contains("192.0.2.1:1") && report.text.contains("boss")) }
    }

    @Test("A handoff report counts the handoffs that it leaves out")
    func whatIsNotShownOfATraceIsCounted() {
        var handoff = HandoffReport(
            secondsSinceStart: 3, channel: "jobs", bodyBytes: 1229, from: "-", to: "bob", attempt: 2, droppedBefore: 17)
        #expect(handoff.text == "... 17 handoffs not shown\n3.000000  jobs  1.2 KiB  - -> bob  attempt 2")
        handoff.droppedBefore = 1
        #expect(handoff.text.hasPrefix("... 1 handoff not shown\n"))
        handoff.droppedBefore = 12_345
        #expect(handoff.text.hasPrefix("... 12 345 handoffs not shown\n"))
    }

    @Test(
        "Handoffs are timed to the microsecond",
        arguments: [
            (0, "0.000000"), (0.000_001, "0.000001"), (0.1, "0.100000"), (187_200.5, "187200.500000"), (-1, "0.000000"),
            (.nan, "0.000000"), (.infinity, "1000000000000.000000"),
        ] as [(Double, String)])
    func handoffsAreTimedToTheMicrosecond(_ seconds: Double, _ text: String) {
        let handoff = HandoffReport(secondsSinceStart: seconds, channel: "a", bodyBytes: 0, from: "b", to: "c")
        #expect(handoff.text == "\(text)  a  0 B  b -> c")
    }

    // MARK: All of them

    @Test("Ordinary reports fit in 80 columns")
    func ordinaryReportsFitATerminal() {
        let address = "192.168.100.100:54321"
        let reports: [any Report] = [
            ChannelsReport(channels: [
                ChannelReport(
                    name: "jobs/thumbnails", capacity: 64, overflow: .dropOldest, state: .poisoned, senders: 1234,
                    receivers: 1234, buffered: 64, leased: 12, sendingEnds: 2, receivingEnds: 3)
            ]),
            WaitersReport(waiters: [
                WaiterReport(
                    client: "192.168.1.10:54321", label: "alice", tag: "a1", operation: .receive, targets: ["jobs"],
                    waitingSeconds: 11_159, timeoutSeconds: 250)
            ]),
            ClientsReport(clients: [
                ClientReport(address: address, label: "resizer-1", principal: "operators", connectedSeconds: 59_999)
            ]),
            StuckReport(cycles: [
                WaitCycle(
                    .possible,
                    steps: [
                        WaitStep(
                            client: address, label: "alice", operation: .receive, channel: "forks/1",
                            waitingSeconds: 12, waitsFor: "bob")
                    ])
            ]),
            HandoffReport(
                secondsSinceStart: 12_345.678, channel: "jobs/thumbnails", bodyBytes: 1229, from: "alice", to: address),
        ]
        for report in reports {
            for line in report.text.split(separator: "\n", omittingEmptySubsequences: false) {
                #expect(line.utf8.count <= 80, "\(line)")
                #expect(line.utf8.last != 0x20 && !line.isEmpty)
            }
        }
    }
}
