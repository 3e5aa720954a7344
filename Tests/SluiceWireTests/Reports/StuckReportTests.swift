import SluiceWire
import Testing

@Suite struct StuckReportTests {
    private func alice(_ operation: WaitStep.Operation, waitsFor: String = "127.0.0.1:4712") -> WaitStep {
        WaitStep(
            client: "127.0.0.1:4711", label: "alice", operation: operation, channel: "forks/1", waitingSeconds: 12,
            waitsFor: waitsFor)
    }

    private func bob(_ operation: WaitStep.Operation, label: String? = "bob") -> WaitStep {
        WaitStep(
            client: "127.0.0.1:4712", label: label, operation: operation, channel: "forks/2", waitingSeconds: 0.85,
            waitsFor: "127.0.0.1:4711")
    }

    private func text(_ certainty: WaitCycle.Certainty, _ steps: WaitStep...) -> String {
        StuckReport(cycles: [WaitCycle(certainty, steps: steps)]).text
    }

    @Test("A report without cycles says that no client is stuck")
    func nobodyIsStuck() {
        #expect(StuckReport(cycles: []).text == "no client is stuck")
    }

    @Test("A cycle has a summary and a line for each client")
    func twoReceiversWaitForEachOther() {
        #expect(
            text(.proved, alice(.receive), bob(.receive)) == """
                proved: 2 clients wait for each other
                  alice (127.0.0.1:4711) has waited 12 s to recv forks/1, which bob sends
                  bob (127.0.0.1:4712) has waited 850 ms to recv forks/2, which alice sends
                """)
    }

    @Test("Every operation has its own words")
    func everyOperationHasItsWords() {
        #expect(
            text(.possible, alice(.send), bob(.lease)) == """
                possible: 2 clients wait for each other, unless another client helps
                  alice (127.0.0.1:4711) has waited 12 s to send on forks/1, which bob receives
                  bob (127.0.0.1:4712) has waited 850 ms for alice to acknowledge its message on forks/2
                """)
        #expect(
            text(.proved, alice(.barrier), bob(.barrier)) == """
                proved: 2 clients wait for each other
                  alice (127.0.0.1:4711) has waited 12 s at barrier forks/1 for bob
                  bob (127.0.0.1:4712) has waited 850 ms at barrier forks/2 for alice
                """)
    }

    @Test("A client without a label is named by its address")
    func aClientWithoutALabelIsItsAddress() {
        #expect(
            text(.proved, alice(.receive), bob(.receive, label: nil)) == """
                proved: 2 clients wait for each other
                  alice (127.0.0.1:4711) has waited 12 s to recv forks/1, which 127.0.0.1:4712 sends
                  127.0.0.1:4712 has waited 850 ms to recv forks/2, which alice sends
                """)
    }

    @Test("Clients with the same label are named by their addresses")
    func aLabelThatTwoHaveTellsNobody() {
        #expect(
            text(.proved, alice(.receive), bob(.receive, label: "alice")) == """
                proved: 2 clients wait for each other
                  alice (127.0.0.1:4711) has waited 12 s to recv forks/1, which 127.0.0.1:4712 sends
                  alice (127.0.0.1:4712) has waited 850 ms to recv forks/2, which 127.0.0.1:4711 sends
                """)
    }

    @Test("The next client may be given by its label")
    func theNextClientMayBeGivenByItsLabel() {
        #expect(text(.proved, alice(.send, waitsFor: "bob"), bob(.send)).contains("forks/1, which bob receives\n"))
    }

    @Test("A client may wait for itself")
    func aClientMayWaitForItself() {
        #expect(
            text(.proved, alice(.send, waitsFor: "127.0.0.1:4711")) == """
                proved: 1 client waits for itself
                  alice (127.0.0.1:4711) has waited 12 s to send on forks/1, which alice receives
                """)
    }

    @Test("A large cycle is shown in full")
    func manyWaitInACircle() {
        let steps = (0..<1000).map { number in
            WaitStep(
                client: "c\(number)", operation: .send, channel: "ring", waitingSeconds: 1,
                waitsFor: "c\((number + 1) % 1000)")
        }
        let lines = StuckReport(cycles: [WaitCycle(.proved, steps: steps)]).text.split(separator: "\n")
        #expect(lines.count == 1001)
        #expect(lines.first == "proved: 1 000 clients wait in a cycle")
        #expect(lines.last == "  c999 has waited 1 s to send on ring, which c0 receives")
    }

    @Test("An empty line separates two cycles")
    func anEmptyLineStandsBetweenCycles() {
        let cycle = WaitCycle(.proved, steps: [alice(.barrier, waitsFor: "127.0.0.1:4711")])
        #expect(
            StuckReport(cycles: [cycle, cycle]).text == """
                proved: 1 client waits for itself
                  alice (127.0.0.1:4711) has waited 12 s at barrier forks/1 for alice

                proved: 1 client waits for itself
                  alice (127.0.0.1:4711) has waited 12 s at barrier forks/1 for alice
                """)
    }
}
