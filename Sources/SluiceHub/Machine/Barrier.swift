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
    @exclusivity(unchecked) private var partiesThatGaveNumber = 0
    /// The number of waiting parties that are arms of selects.
    @exclusivity(unchecked) private var selects = 0
    /// The number of the verification that has told its decided parties; see `HubStateMachine.isReady`.
    @exclusivity(unchecked) var verifiedAt = UInt64.max
    /// The number of parties that have been released and not told yet, and the number of parties that were waiting at
    /// the last release and still are. Any of these is a released one, until all that were released have been told.
    @exclusivity(unchecked) private var released = 0
    @exclusivity(unchecked) private var releasable = 0
    @exclusivity(unchecked) private var lastReleasable = WaitTicket(index: 0, serial: 0)

    private struct Party {
        let waiter: WireReceiver
        let parties: Int?
    }

    init(_ name: ChannelName) {
        self.name = name
    }

    /// The number of parties that wait for others.
    var count: Int { waiting.count - released }
    var isEmpty: Bool { waiting.isEmpty }
    /// Whether a decision elsewhere may have ended a party.
    var hasSelects: Bool { selects > 0 }

    func append(_ waiter: WireReceiver, _ parties: Int?) -> WaitTicket {
        if let parties {
            self.parties = parties
            partiesThatGaveNumber += 1
        }
        if waiter.arm != nil { selects += 1 }
        return waiting.append(Party(waiter: waiter, parties: parties))
    }

    /// The parties, in the order in which they arrived.
    var parked: [WireReceiver] {
        var parked: [WireReceiver] = []
        waiting.forEach { parked.append($0.waiter) }
        return parked
    }

    /// Releases the `count` parties that have waited longest; there must be so many. They are in the queue until they
    /// are told.
    func release(_ count: Int) {
        released += count
        releasable = waiting.count
        lastReleasable = waiting.lastTicket
    }

    /// The next released party to tell.
    var firstReleased: WireReceiver? { released > 0 ? waiting.first?.waiter : nil }

    /// Whether the party has been released.
    func isReleased(_ ticket: WaitTicket) -> Bool { released > 0 && ticket.isNotLater(than: lastReleasable) }

    /// Removes a party that is told, or that disconnects.
    func remove(_ ticket: WaitTicket) {
        guard let party = waiting.remove(ticket) else { return }
        if isReleased(ticket) {
            releasable -= 1
            released = min(released - 1, releasable)
        }
        if party.waiter.arm != nil { selects -= 1 }
        if party.parties != nil {
            partiesThatGaveNumber -= 1
            if partiesThatGaveNumber == 0 { parties = nil }
        }
    }
}
