import SluiceRuntime

/// The reports that a reactor takes for its connections.
extension ReactorShare {
    /// Counts a report that a client of a draining hub asks for.
    ///
    /// - Returns: whether the connections of its holder may have another one.
    func countDrainReport(of holder: HolderID) -> Bool {
        let count = drainReports[holder, default: 0]
        guard count < Budget.reportsOfHolderWhileDraining else { return false }
        drainReports[holder] = count + 1
        return true
    }

    /// Whether reports of a holder wait to be continued.
    func hasReports(of holder: HolderID) -> Bool { reporting.hasElements(of: holder) }

    /// Queues a conversation to continue its report at the end of a turn.
    func enqueue(_ conversation: Conversation) {
        reporting.append(conversation, of: conversation.holder)
        awaitEndOfTurn()
    }

    /// Takes a few slices of reports. The others, and the rest of these, wait for the next turns. The reports of a holder
    /// are taken one after the other, because each may need much memory.
    func continueReports() {
        let end = time.end(of: Budget.timeOfReports, from: reactor.nowNanoseconds)
        for _ in 0..<Budget.slicesOfTurn {
            guard let (conversation, holder) = reporting.popFirst() else { return }
            if conversation.continueReport() { reporting.putBack(conversation, of: holder) }
            if reactor.nowNanoseconds > end { break }
        }
        if !reporting.isEmpty { awaitEndOfTurn() }
    }
}
