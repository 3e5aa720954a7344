/// Holds what clients have observed against what a hub promises. It knows nothing of the hub.
///
/// Each rule is a type of its own. A rule accuses only where no order of events that agrees with what was observed
/// keeps the promise; what may have been so is let pass.
package enum Checker {
    package static func faults(in history: History) -> [Fault] {
        let ledger = Ledger(history)
        var faults = history.faults
        for rule in rules {
            faults += rule.breaches(in: ledger).map { Fault(rule.name, $0) }
        }
        return faults
    }

    static let rules: [any Rule] = [
        RepliesFit(), NothingFromNowhere(), NothingTwice(), NoMeansNo(), NothingIsLost(), TakenBeforeAnswered(),
        SendersInTurn(), ReceiversInTurn(), NobodyMissesAnother(), NeitherEarlyNorLate(), LeasesHold(), WindowsHold(),
        FlowIsHeldBack(),
        EndsHaveCauses(), EndsAreFinal(), BarriersAreFull(), BroadcastsReachAll(), OnceIsOnce(), NothingIsLeft(),
        DrainsToItsEnd(),
        MemoryIsBounded(),
    ]
}

/// One of the promises.
protocol Rule: Sendable {
    var name: String { get }
    /// What was observed and cannot be.
    func breaches(in ledger: Ledger) -> [String]
}
