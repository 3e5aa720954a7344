/// What came of a seed.
package struct Verdict: Sendable {
    package let seed: UInt64
    /// Over all that was sent and received.
    package let hash: UInt64
    /// How many commands were sent.
    package let commands: Int
    package let faults: [Fault]

    /// Plays the plan of a seed, and looks at it.
    package init(ofSeed seed: UInt64) throws {
        let history = try Simulation(Planner.plan(seed: seed)).play()
        self.seed = seed
        hash = history.hash
        commands = history.acts.count
        faults = Checker.faults(in: history)
    }

    /// The smallest replay of the first fault, as people read it; nil if there is none.
    package func replay() throws -> [String]? {
        guard let rule = faults.first?.rule else { return nil }
        let (history, faults) = try Shrinker.shrink(Planner.plan(seed: seed), breaking: rule)
        return faults.map { "\($0.rule): \($0.text)" } + Transcript(of: history).lines
    }
}

/// All that happens with a seed, as people read it.
package func transcript(ofSeed seed: UInt64) throws -> [String] {
    Transcript(of: try Simulation(Planner.plan(seed: seed)).play()).lines
}
