import SluiceRuntime
import SluiceWire

/// The command `BARRIER`, and the barrier arms of selects.
extension HubStateMachine {
    mutating func barrier(_ command: BarrierCommand, _ caller: Caller) -> Outcome {
        if let refusal = refusalToMeet(at: command.name, command.parties) { return .done(.error(refusal)) }
        let client = client(of: caller)
        clients[caller.connection]?.note(.meet, of: command.name)
        if meet(at: command.name, command.parties) { return .ok(CommonAttributes()) }
        let patience = Patience(timeout: command.timeout, waitsAfterEOF: command.waitsAfterEOF)
        if let reply = refusalToPark(patience, client, charging: ObjectSize.receive) { return .done(reply) }
        let (barrier, ticket) = queue(
            WireReceiver(operation: operations.nextKey, arm: nil), at: command.name, command.parties)
        return .parked(park(.barrier(barrier, ticket), caller, of: client, patience, charging: ObjectSize.receive))
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
        guard parties <= (barrier?.count ?? 0) + 1 else { return false }
        for _ in 1..<max(parties, 1) {
            guard let other = barrier?.popFirst() else { break }
            end(other.operation, ok: .taking(other.arm), arm: other.arm)
        }
        if barrier?.isEmpty == true { barriers[name] = nil }
        return true
    }

    /// Appends an operation to the barrier's queue.
    mutating func queue(_ party: WireReceiver, at name: ChannelName, _ parties: Int?) -> (Barrier, WaitTicket) {
        let barrier = barriers[name] ?? Barrier(name)
        barriers[name] = barrier
        return (barrier, barrier.append(party, parties))
    }
}
