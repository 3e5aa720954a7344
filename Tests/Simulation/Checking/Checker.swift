/// Checks what the clients observed against what a hub promises. It knows nothing of the hub itself.
///
/// Each rule is a type of its own. A rule reports a fault only if no order of events that agrees with the observations
/// keeps the promise.
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
        RepliesMatchCommands(), ReceivedMessagesWereSent(), MessagesArriveOnce(), FailedSendsAreNotReceived(),
        AcceptedMessagesArrive(), SendsAreAnsweredAfterReceipt(), SendersAreServedInOrder(),
        ReceiversAreServedInOrder(), NoLostWakeups(), TimeoutsAreExact(), LeasesEndOnce(), WindowsAreRespected(),
        SlowReadersApplyBackpressure(), ChannelsEndForAReason(), EndedChannelsStayEnded(), BarriersOpenWhenFull(),
        BroadcastsReachEveryReceiver(), OnceChannelsHaveOneValue(), NothingIsLeftAtRest(), DrainingEnds(),
        MemoryIsBounded(), CallsGetTheirAnswer(), RejectionsAreFinal(), FencesGrow(), DelaysAreKept(),
        TracesStayWithMessages(),
        TurnsAreBounded(), ChargesCoverWhatIsKept(), TimeoutsTellOfReceivers(),
    ]
}

/// A promise that the hub makes to its clients.
protocol Rule: Sendable {
    var name: String { get }
    /// Returns the observations that break the promise, a sentence each.
    func breaches(in ledger: Ledger) -> [String]
}
