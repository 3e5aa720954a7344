/// The answer to `STUCK`: the cycles of waiting.
public struct StuckReport: Report, Hashable {
    /// The circles.
    public var cycles: [WaitCycle]

    package init(cycles: [WaitCycle]) {
        self.cycles = cycles
    }

    /// For people.
    public var text: String {
        cycles.isEmpty ? "nobody waits in a circle" : cycles.map(\.text).joined(separator: "\n\n")
    }
}
