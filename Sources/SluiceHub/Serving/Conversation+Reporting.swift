import SluiceWire

/// Reports, which a conversation takes in slices, and the client's share of a turn.
extension Conversation {
    /// Called at the end of a turn of the loop. The client has another turn's time from now on.
    func turnEnds() { stepsLeft = Budget.stepsOfTurn }

    /// Takes a report. Later input waits until it is complete.
    func take(_ report: any ReportJob, _ tag: Tag?) {
        stepsLeft -= Budget.stepsOfFirstSlice
        if let reply = report.advance(on: hub, steps: Budget.stepsOfFirstSlice) { return emit(reply, tag) }
        job = (report, tag)
        share.enqueue(self)
    }

    /// Takes the next slice of a report.
    ///
    /// - Returns: whether another slice is left.
    func continueReport() -> Bool {
        guard let (report, tag) = job else { return false }
        guard let reply = report.advance(on: hub, steps: Budget.stepsOfSlice) else { return true }
        job = nil
        emit(reply, tag)
        segment.owner?.repliesArrived()
        return false
    }
}
