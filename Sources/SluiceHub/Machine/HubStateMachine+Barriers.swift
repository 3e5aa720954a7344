import SluiceRuntime
import SluiceWire

/// The command `BARRIER`, and the barrier arms of selects.
extension HubStateMachine {
    mutating func barrier(_ command: BarrierCommand, _ caller: Caller) -> Outcome {
        if let refusal = refusalToMeet(at: command.name, command.parties) { return .done(.error(refusal)) }
        let client = client(of: caller)
        clients[caller.connection]?.note(.meet, of: command.name)
        if meet(at: command.name, command.parties) { return .ok(CommonAttributes()) }
        let terms = WaitTerms(timeout: command.timeout, waitsAfterEOF: command.waitsAfterEOF)
        let bytes = ObjectSize.party(at: command.name)
        if let reply = refusalToPark(terms, client, charging: bytes) { return .done(reply) }
        let (barrier, ticket) = queue(
            WireReceiver(operation: operations.nextKey, arm: nil), at: command.name, command.parties)
        return .parked(park(.barrier(barrier, ticket), caller, of: client, terms, charging: bytes))
    }

    /// Returns an error if `parties` differs from the number that waiting clients have given; otherwise nil.
    func refusalToMeet(at name: ChannelName, _ parties: Int?) -> WireError? {
        guard let parties, let known = barriers[name]?.parties, known != parties else { return nil }
        return WireError(.conflict, "the clients at that barrier wait for \(known) parties")
    }

    /// Releases all parties of the barrier if the caller is the last one.
    ///
    /// - Returns: whether the caller was the last one.
    mutating func meet(at name: ChannelName, _ parties: Int?) -> Bool {
        let barrier = barriers[name]
        guard let parties = parties ?? barrier?.parties else { return false }
        guard parties <= (barrier?.count ?? 0) + 1, areThere(parties - 1, at: barrier) else { return false }
        guard let barrier, parties > 1 else { return true }
        // More clients than parties may wait if they did not give the number of parties.
        if barrier.count == parties - 1 { barriers[name] = nil }
        barrier.release(parties - 1)
        perform(OpenedBarrier(barrier))
        return true
    }

    /// Whether `count` parties are still at the barrier after the parties that a decision has ended elsewhere are told.
    private mutating func areThere(_ count: Int, at barrier: Barrier?) -> Bool {
        guard let barrier, mayHaveEndedParties(barrier), hasUntold, barrier.verifiedAt != verifications else {
            return true
        }
        steps += stepsToVerify(barrier)
        for party in barrier.parked { _ = endIfDecided(party) }
        return barrier.count >= count
    }

    /// Each party takes up to 150 ns.
    func stepsToVerify(_ barrier: Barrier) -> Int { barrier.count / 4 }

    /// Whether a decision elsewhere, or the departure of a client, may have ended a party that is not told yet.
    func mayHaveEndedParties(_ barrier: Barrier) -> Bool { barrier.hasSelects || departures > 0 }

    /// Appends an operation to the barrier's queue.
    mutating func queue(_ party: WireReceiver, at name: ChannelName, _ parties: Int?) -> (Barrier, WaitTicket) {
        let barrier = barriers[name] ?? Barrier(name)
        barriers[name] = barrier
        return (barrier, barrier.append(party, parties))
    }
}
