import SluiceHub

/// The hub does a bounded amount of work in one piece, whatever its clients have asked for. A client whose command can be
/// performed at once gets its answer within a few turns, however much work is left of other clients' commands.
struct TurnsAreBounded: Rule {
    let name = "turns are bounded"

    private static let mostTurns = 3
    /// Each client of a crowd may have a short turn before another one has its turn, which takes this many steps.
    private static let stepsOfShortTurn = 20
    /// The steps by which short input may exceed a turn.
    private static let excess = 500

    func breaches(in ledger: Ledger) -> [String] {
        var breaches = ledger.history.overruns.prefix(3).map {
            "the hub took \($0.steps) steps in one piece at \($0.time) ns; the limit is \($0.bound)"
        }
        let turns = ledger.history.neighbourTurns
        let mostTurns = mostTurns(in: ledger.history)
        if turns > mostTurns {
            breaches.append("the hub took \(turns) turns to answer a PING; the limit is \(mostTurns)")
        }
        let input = ledger.history.longestInput
        let bound = mostInput(in: ledger.history)
        if input > bound {
            breaches.append("the input of the clients took \(input) steps in a turn; the limit is \(bound)")
        }
        return breaches
    }

    private func mostTurns(in history: History) -> Int {
        guard history.plan.isCrowd else { return Self.mostTurns }
        return Self.mostTurns + history.plan.setting.clients * Self.stepsOfShortTurn / (history.inputStepsOfTurn / 2)
    }

    /// Input that waits has the steps of a turn at most, and other input too. The last piece of each may exceed them.
    private func mostInput(in history: History) -> Int {
        let limits = history.plan.setting.limits
        let piece = limits.inputBytes / 8 + limits.turnSteps + 64
        return 2 * (history.inputStepsOfTurn + piece) + Self.excess
    }
}
