/// The result of simulating a seed.
package struct Verdict: Sendable {
    package let seed: UInt64
    /// A hash over everything that was sent and received.
    package let hash: UInt64
    /// The number of commands that were sent.
    package let commands: Int
    package let faults: [Fault]

    /// Plays the plan of a seed, and checks what happens.
    package init(ofSeed seed: UInt64) throws {
        let history = try Simulation(Planner.plan(seed: seed)).play()
        self.seed = seed
        hash = history.hash
        commands = history.exchanges.count
        faults = Checker.faults(in: history)
    }

    /// Returns a transcript of the smallest plan found that breaks the same rule; nil if there is no fault.
    package func replay() throws -> [String]? {
        guard let rule = faults.first?.rule else { return nil }
        let (history, faults) = try Shrinker.shrink(Planner.plan(seed: seed), breaking: rule)
        return faults.map { "\($0.rule): \($0.text)" } + Transcript(of: history).lines
    }
}

/// Returns a transcript of everything that happens with a seed.
package func transcript(ofSeed seed: UInt64) throws -> [String] {
    Transcript(of: try Simulation(Planner.plan(seed: seed)).play()).lines
}
