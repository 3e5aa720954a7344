/// Makes a plan that fails as small as it goes on failing by the same rule.
package struct Shrinker {
    /// How often a smaller plan is tried at most.
    private static let mostTries = 3000

    private var best: Plan
    private let rule: String
    private var tries = 0

    /// The smallest plan that was found, and what it leads to.
    package static func shrink(_ plan: Plan, breaking rule: String) throws -> (history: History, faults: [Fault]) {
        var shrinker = Shrinker(best: plan, rule: rule)
        try shrinker.simplifySetting()
        try shrinker.dropSteps()
        try shrinker.dropClients()
        let history = try Simulation(shrinker.best).play()
        return (history, Checker.faults(in: history))
    }

    private init(best: Plan, rule: String) {
        self.best = best
        self.rule = rule
    }

    /// Takes a smaller plan if it fails still.
    private mutating func attempt(_ plan: Plan) throws -> Bool {
        guard tries < Self.mostTries else { return false }
        tries += 1
        let faults = Checker.faults(in: try Simulation(plan).play())
        guard faults.contains(where: { $0.rule == rule }) else { return false }
        best = plan
        return true
    }

    private mutating func simplifySetting() throws {
        let simplifications: [(inout Setting) -> Void] = [
            { $0.latency = 0 }, { $0.splits = false }, { $0.outputRoom = 1 << 16 },
        ]
        for simplify in simplifications {
            var plan = best
            simplify(&plan.setting)
            _ = try attempt(plan)
        }
    }

    private mutating func dropClients() throws {
        for client in Set(best.steps.map(\.client)).sorted() {
            var plan = best
            plan.steps.removeAll { $0.client == client }
            if plan.steps.count < best.steps.count { _ = try attempt(plan) }
        }
    }

    /// Delta debugging (Zeller and Hildebrandt, 2002): leaves out halves, then quarters, down to single steps.
    private mutating func dropSteps() throws {
        var size = max(best.steps.count / 2, 1)
        while true {
            var start = 0
            var hasDropped = false
            while start < best.steps.count {
                var plan = best
                plan.steps.removeSubrange(start..<min(start + size, plan.steps.count))
                if try attempt(plan) { hasDropped = true } else { start += size }
            }
            if size > 1 { size /= 2 } else if !hasDropped { return }
        }
    }
}
