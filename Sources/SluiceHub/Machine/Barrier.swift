import SluiceRuntime
import SluiceWire

/// Where so many wait until all are there. It exists while somebody stands at it.
final class Barrier: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    let name: ChannelName
    /// How many must come; nil while nobody who stands there has said.
    @exclusivity(unchecked) private(set) var parties: Int?
    @exclusivity(unchecked) private var waiting = WaitQueue<Party>()
    /// How many of them have said.
    @exclusivity(unchecked) private var sayers = 0

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
