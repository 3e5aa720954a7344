import Foundation
import SluiceWire
import Testing

@Suite struct ReportCodingTests {
    /// Checks that the report is encoded as the JSON and decoded from it again.
    private func expect<Value: Report & Equatable>(_ report: Value, is json: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(report)
        #expect(String(decoding: data, as: UTF8.self) == json)
        #expect(try JSONDecoder().decode(Value.self, from: data) == report)
    }

    @Test("A server report is coded as JSON")
    func server() throws {
        try expect(
            ServerReport(
                version: "0.9.0", protocolVersion: 1, epoch: 2, uptimeSeconds: 1.5, isDraining: true, connections: 3,
                parked: 4,
                channels: 5, endedChannels: 6, leases: 7, bufferedMessages: 8, bufferedBytes: 9, rememberedSends: 10,
                handoffs: 11, refusedConnections: 14, endings: ["quit": 12], residentBytes: 13, memoryBytes: 15,
                memoryLimitBytes: 16,
                processes: [
                    ProcessReport(
                        name: "mail", kind: "pipe", state: .waitingToRestart, restarts: 1, messages: 2, lastError: "e")
                ]),
            is: #"{"bufferedBytes":9,"bufferedMessages":8,"channels":5,"connections":3,"endedChannels":6,"#
                + #""endings":{"quit":12},"epoch":2,"handoffs":11,"isDraining":true,"leases":7,"memoryBytes":15,"memoryLimitBytes":16,"parked":4,"#
                + #""processes":[{"kind":"pipe","lastError":"e","messages":2,"name":"mail","restarts":1,"#
                + #""state":"waiting to restart"}],"#
                + #""protocolVersion":1,"refusedConnections":14,"rememberedSends":10,"residentBytes":13,"uptimeSeconds":1.5,"version":"0.9.0"}"#
        )
    }

    @Test("A channels report is coded as JSON")
    func channels() throws {
        try expect(
            ChannelsReport(
                channels: [
                    ChannelReport(
                        name: "jobs/1", capacity: 64, overflow: .dropOldest, state: .poisoned, reason: "a\n\"b\"",
                        senders: 1, receivers: 2, buffered: 3, leased: 4, sendingEnds: 5, receivingEnds: 6,
                        sent: 8, taken: 9, redelivered: 10, rejected: 11, longestWaitSeconds: 1.5)
                ], omitted: 7),
            is: #"{"channels":[{"buffered":3,"capacity":64,"kind":"queue","leased":4,"longestWaitSeconds":1.5,"#
                + #""name":"jobs/1","overflow":"drop-oldest","reason":"a\n\"b\"","receivers":2,"receivingEnds":6,"#
                + #""redelivered":10,"rejected":11,"senders":1,"sendingEnds":5,"sent":8,"state":"poisoned","taken":9}],"omitted":7}"#
        )
    }

    @Test("A waiters report is coded as JSON")
    func waiters() throws {
        try expect(
            WaitersReport(waiters: [
                WaiterReport(
                    client: "[::1]:1", label: "alice", tag: "a", operation: .receive, targets: ["jobs"],
                    waitingSeconds: 0.25, timeoutSeconds: 1.5, state: .underLease)
            ]),
            is: #"{"omitted":0,"waiters":[{"client":"[::1]:1","label":"alice","operation":"recv","#
                + #""state":"under lease","tag":"a","targets":["jobs"],"timeoutSeconds":1.5,"waitingSeconds":0.25}]}"#)
    }

    @Test("A clients report is coded as JSON")
    func clients() throws {
        try expect(
            ClientsReport(clients: [
                ClientReport(
                    address: "[::1]:1", label: "alice", principal: "ops", connectedSeconds: 2.5, pending: 1, leases: 2,
                    ends: 3, memoryBytes: 4,
                    held: [LeaseReport(channel: "jobs", attempt: 1, heldSeconds: 0.5, leftSeconds: 1.5)])
            ]),
            is: #"{"clients":[{"address":"[::1]:1","connectedSeconds":2.5,"ends":3,"#
                + #""held":[{"attempt":1,"channel":"jobs","heldSeconds":0.5,"leftSeconds":1.5}],"label":"alice","leases":2,"#
                + #""memoryBytes":4,"pending":1,"principal":"ops"}],"omitted":0}"#)
    }

    @Test("A stuck report is coded as JSON")
    func stuck() throws {
        try expect(
            StuckReport(cycles: [
                WaitCycle(
                    .proved,
                    steps: [
                        WaitStep(
                            client: "[::1]:1", label: "alice", operation: .receive, channel: "jobs",
                            waitingSeconds: 2.5, waitsFor: "[::1]:1")
                    ])
            ]),
            is: #"{"cycles":[{"certainty":"proved","steps":[{"channel":"jobs","client":"[::1]:1","label":"alice","#
                + #""operation":"recv","waitingSeconds":2.5,"waitsFor":"[::1]:1"}]}]}"#)
    }

    @Test("A handoff report is coded as JSON")
    func handoff() throws {
        try expect(
            HandoffReport(
                secondsSinceStart: 2.5, channel: "jobs", bodyBytes: 5, from: "alice", to: "-", attempt: 1,
                droppedBefore: 2),
            is: #"{"attempt":1,"bodyBytes":5,"channel":"jobs","droppedBefore":2,"from":"alice","#
                + #""secondsSinceStart":2.5,"to":"-"}"#)
    }

    @Test("Unknown values are left out of the JSON")
    func whatIsNotKnownIsLeftOut() throws {
        try expect(
            ServerReport(
                version: "0.9.0", protocolVersion: 1, epoch: 2, uptimeSeconds: 0.5,
                processes: [ProcessReport(name: "clock", kind: "ticker", state: .running)]),
            is: #"{"bufferedBytes":0,"bufferedMessages":0,"channels":0,"connections":0,"endedChannels":0,"endings":{},"#
                + #""epoch":2,"handoffs":0,"isDraining":false,"leases":0,"parked":0,"#
                + #""processes":[{"kind":"ticker","messages":0,"name":"clock","restarts":0,"state":"running"}],"#
                + #""protocolVersion":1,"refusedConnections":0,"rememberedSends":0,"uptimeSeconds":0.5,"version":"0.9.0"}"#
        )
        try expect(
            WaitersReport(waiters: [WaiterReport(client: "c", operation: .trace, targets: [], waitingSeconds: 0.5)]),
            is: #"{"omitted":0,"waiters":[{"client":"c","operation":"trace","state":"waiting","targets":[],"#
                + #""waitingSeconds":0.5}]}"#)
        try expect(
            ClientsReport(clients: [ClientReport(address: "c", connectedSeconds: 0.5)]),
            is: #"{"clients":[{"address":"c","connectedSeconds":0.5,"ends":0,"leases":0,"pending":0}],"omitted":0}"#)
        try expect(
            HandoffReport(secondsSinceStart: 0.5, channel: "a", bodyBytes: 0, from: "b", to: "c"),
            is: #"{"bodyBytes":0,"channel":"a","droppedBefore":0,"from":"b","secondsSinceStart":0.5,"to":"c"}"#)
    }

    /// Programs compare these words, so changing a spelling changes the protocol.
    @Test("The words in JSON keep their spellings")
    func wordsAreAsTheyAreTyped() {
        #expect(ChannelDeclaration.Kind.allCases.map(\.rawValue) == ["queue", "broadcast", "once"])
        #expect(ChannelReport.State.allCases.map(\.rawValue) == ["open", "closed", "poisoned"])
        #expect(
            WaiterReport.Operation.allCases.map(\.rawValue) == [
                "send", "recv", "select", "barrier", "redrive", "trace",
            ])
        #expect(WaiterReport.State.allCases.map(\.rawValue) == ["waiting", "under lease", "paused"])
        #expect(WaitCycle.Certainty.allCases.map(\.rawValue) == ["proved", "possible"])
        #expect(WaitStep.Operation.allCases.map(\.rawValue) == ["send", "recv", "barrier", "lease"])
        #expect(ProcessReport.State.allCases.map(\.rawValue) == ["running", "waiting to restart", "stopped"])
    }
}
