/// The hub does a bounded amount of work in one piece, whatever its clients have asked for. A client whose command can be
/// performed at once gets its answer within a few turns, however much work is left of other clients' commands.
struct TurnsAreBounded: Rule {
    let name = "turns are bounded"

    private static let mostTurns = 3

    func breaches(in ledger: Ledger) -> [String] {
        var breaches = ledger.history.overruns.prefix(3).map {
            "the hub took \($0.steps) steps in one piece at \($0.time) ns; the limit is \($0.bound)"
        }
        let turns = ledger.history.neighbourTurns
        if turns > Self.mostTurns {
            breaches.append("the hub took \(turns) turns to answer a PING; the limit is \(Self.mostTurns)")
        }
        return breaches
    }
}
