import SluiceWire

/// Work that later input of a connection waits for. Hardly any connection has one.
indirect enum PendingJob {
    /// A report that is being taken, with the tag of its command.
    case report(any ReportJob, Tag?)
    /// A command that waits for its next slice; see `HubStateMachine.isReady`.
    case command(Request)
    /// The withdrawal of the pending commands after the end of the input, and the job that was pending before.
    case withdrawal(then: PendingJob?)
}

/// Reports, which a conversation takes in slices, and the client's share of a turn.
extension Conversation {
    /// Gives the client the steps of another turn. Called at the end of a turn of the loop.
    func turnEnds() { stepsLeft = hub.limits.turnSteps }

    /// Takes a report. Later input waits until it is complete.
    func take(_ report: any ReportJob, _ tag: Tag?) {
        let steps = min(Budget.stepsOfFirstSlice, max(1, stepsLeft))
        stepsLeft -= steps
        // A report that waits for others of the same holder has not begun, and so needs no memory.
        if !share.hasReports(of: holder), let reply = report.advance(on: hub, steps: steps) {
            return conclude(reply, tag)
        }
        job = .report(report, tag)
        share.enqueue(self)
    }

    /// Answers with a complete report. It may show the effects of decisions that other reactors have made for this
    /// client, so their replies come first.
    private func conclude(_ reply: Reply, _ tag: Tag?) {
        hub.collectMail(of: share)
        emit(reply, tag)
    }

    /// Takes the next slice of a report.
    ///
    /// - Returns: whether another slice is left.
    func continueReport() -> Bool {
        guard !segment.isClosed, case .report(let report, let tag) = job else { return false }
        share.begin(id, lastVerb)
        defer { share.end() }
        let reply = report.advance(on: hub, steps: Budget.stepsOfSlice)
        let refusal =
            reply == nil ? chargeBuffers(ifChangedBy: Connection.leastChargedInTurn, countingBodies: true) : nil
        if reply == nil, refusal == nil { return true }
        job = nil
        if let reply { conclude(reply, tag) }
        if let refusal { answer(.error(refusal), tag) }
        segment.owner?.takeUnretainedValue().repliesArrived()
        return false
    }
}
