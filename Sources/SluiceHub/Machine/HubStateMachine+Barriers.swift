import SluiceRuntime
import SluiceWire

/// Barriers.
extension HubStateMachine {
    mutating func barrier(_ command: BarrierCommand, _ caller: Caller) -> Outcome {
        if let refusal = refusalToMeet(at: command.name, command.parties) { return .done(.error(refusal)) }
        clients[caller.connection]?.usage.note(.meet, of: command.name)
        if meet(at: command.name, command.parties) { return .done(.ok([])) }
        let patience = Patience(timeout: command.timeout, waitsAfterEOF: command.waitsAfterEOF)
        if let reply = refusalToPark(patience, caller) { return .done(reply) }
        let (barrier, ticket) = queue(
            WireReceiver(operation: operations.nextKey, arm: nil), at: command.name, command.parties)
        return .parked(park(.barrier(barrier, ticket), caller, patience))
    }

    /// Why nobody with such a count can stand at the barrier; nil when one can.
    func refusalToMeet(at name: ChannelName, _ parties: Int?) -> WireError? {
        guard let parties, let known = barriers[name]?.parties, known != parties else { return nil }
        return WireError(.conflict, "those who wait at that barrier wait for \(known) parties")
    }

    /// Lets everybody at the barrier go on if only the caller was missing.
    ///
    /// - Returns: whether it was.
    mutating func meet(at name: ChannelName, _ parties: Int?) -> Bool {
        let barrier = barriers[name]
        guard let parties = parties ?? barrier?.parties else { return false }
        guard parties <= (barrier?.count ?? 0) + 1 else { return false }
        for _ in 1..<max(parties, 1) {
            guard let other = barrier?.popFirst() else { break }
            end(other.operation, .ok(.taken(other.arm)), arm: other.arm)
        }
        if barrier?.isEmpty == true { barriers[name] = nil }
        return true
    }

    /// Has an operation stand at the barrier.
    mutating func queue(_ party: WireReceiver, at name: ChannelName, _ parties: Int?) -> (Barrier, WaitTicket) {
        let barrier = barriers[name] ?? Barrier(name)
        barriers[name] = barrier
        return (barrier, barrier.append(party, parties))
    }
}
