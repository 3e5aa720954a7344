/// The answer to `STUCK`: the cycles of waiting.
package struct StuckReport: Report, Hashable {
    package var cycles: [WaitCycle]

    package init(cycles: [WaitCycle]) {
        self.cycles = cycles
    }

    package var text: String {
        cycles.isEmpty ? "nobody waits in a circle" : cycles.map(\.text).joined(separator: "\n\n")
    }
}
