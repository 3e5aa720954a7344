import SluiceRuntime
import SluiceWire

/// A barrier, at which clients wait until all parties have arrived. It exists while at least one waits.
final class Barrier: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    let name: ChannelName
    /// The number of parties; nil while no waiting party has given it.
    @exclusivity(unchecked) private(set) var parties: Int?
    @exclusivity(unchecked) private var waiting = WaitQueue<Party>()
    /// The number of waiting parties that have given the number of parties.
    @exclusivity(unchecked) private var sayers = 0

    /// Whether all parties have arrived. Those in the queue then only have to be told.
    @exclusivity(unchecked) var hasOpened = false

    private struct Party {
        let waiter: WireReceiver
        let parties: Int?
    }

    init(_ name: ChannelName) {
        self.name = name
    }

    var count: Int { waiting.count }
    var isEmpty: Bool { waiting.isEmpty }

    func append(_ waiter: WireReceiver, _ parties: Int?) -> WaitTicket {
        if let parties {
            self.parties = parties
            sayers += 1
        }
        return waiting.append(Party(waiter: waiter, parties: parties))
    }

    /// The parties, in the order in which they arrived.
    var parked: [WireReceiver] {
        var parked: [WireReceiver] = []
        waiting.forEach { parked.append($0.waiter) }
        return parked
    }

    func popFirst() -> WireReceiver? { left(waiting.popFirst()) }

    func remove(_ ticket: WaitTicket) { _ = left(waiting.remove(ticket)) }

    private func left(_ party: Party?) -> WireReceiver? {
        guard let party else { return nil }
        if party.parties != nil {
            sayers -= 1
            if sayers == 0 { parties = nil }
        }
        return party.waiter
    }
}
