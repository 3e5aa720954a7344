/// The answer to `STUCK`: the cycles of waiting.
public struct StuckReport: Report, Hashable {
    public var cycles: [WaitCycle]

    public init(cycles: [WaitCycle]) {
        self.cycles = cycles
    }

    public var text: String {
        cycles.isEmpty ? "nobody waits in a circle" : cycles.map(\.text).joined(separator: "\n\n")
    }
}
