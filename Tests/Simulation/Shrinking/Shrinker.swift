/// Makes a failing plan as small as possible while it still breaks the same rule.
package struct Shrinker {
    private static let maxTries = 3000

    private var best: Plan
    private let rule: String
    private var tries = 0

    /// Returns what happens with the smallest plan found, and its faults.
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

    /// Keeps a smaller plan if it still breaks the rule, and returns whether it does.
    private mutating func attempt(_ plan: Plan) throws -> Bool {
        guard tries < Self.maxTries else { return false }
        tries += 1
        let faults = Checker.faults(in: try Simulation(plan).play())
        guard faults.contains(where: { $0.rule == rule }) else { return false }
        best = plan
        return true
    }

    private mutating func simplifySetting() throws {
        let simplifications: [(inout Setting) -> Void] = [
            { $0.latencyNanoseconds = 0 }, { $0.splits = false }, { $0.networkBytes = 1 << 16 },
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

    /// Leaves out halves of the plan, then quarters, down to single steps: delta debugging (Zeller and Hildebrandt, 2002).
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
