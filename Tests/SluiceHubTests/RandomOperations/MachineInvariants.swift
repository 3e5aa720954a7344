import SluiceRuntime
import SluiceWire

@testable import SluiceHub

/// Checks the invariants of a state machine between two calls.
struct MachineInvariants {
    private(set) var faults: [String] = []
    /// The operations in the queues of each channel, by the channel's name.
    private var senders: [String: Set<OperationID>] = [:]
    private var receivers: [String: Set<OperationID>] = [:]
    private var receiverArms: [String: Int] = [:]
    private var queuedOffers: [String: Set<ObjectIdentifier>] = [:]
    private var operations: [ConnectionID: Int] = [:]
    private var parkedBytes: [ConnectionID: Int] = [:]
    private var possibleLeases: [ConnectionID: Int] = [:]
    private var leases: [ConnectionID: Int] = [:]
    private var leasesOfChannels: [String: Int] = [:]
    private var channels: [String: NamedChannel] = [:]

    init(_ machine: borrowing HubStateMachine) {
        var found: [NamedChannel] = []
        machine.channels.forEach { found.append($0) }
        for channel in found { channels[channel.name.description] = channel }
        var parked: [(OperationID, ParkedOperation)] = []
        machine.operations.forEach { parked.append(($0, $1)) }
        for (id, operation) in parked {
            note(operation, id)
            guard case .countedReceive(let counted) = operation.wait, counted.isPaused, !counted.isWindowFull else {
                continue
            }
            if (machine.clients[operation.caller.connection]?.unwrittenBytes ?? 0) < machine.limits.outputBytes {
                faults.append("a receive is paused although it has credit and window")
            }
        }
        machine.leases.forEach { _, lease in
            leases[lease.holder, default: 0] += 1
            leasesOfChannels[lease.channel.name.description, default: 0] += 1
            if channels[lease.channel.name.description] !== lease.channel {
                faults.append("a lease of a channel that is not in the table")
            }
            if !lease.offer.isLeased { faults.append("a lease of a message that is not leased") }
        }
        for channel in found { check(channel) }
        let recent = found.count { $0.links.place == .nowhere && $0.recentSlot >= 0 }
        let order = machine.channels.order
        check(
            "channels in order, and those that a report puts there", order.count + order.newcomerCount + recent,
            found.count)
        checkOrder(machine.operationOrder, of: parked.map(\.0))
        var clients: [(ConnectionID, ClientRecord)] = []
        machine.clients.forEach { clients.append(($0, $1)) }
        checkOrder(machine.clientOrder, of: clients.map(\.0))
        for (id, client) in clients { check(client, id, machine.limits) }
        checkCharge(of: machine)
        checkLeasedReceivers(parked.map(\.1), found)
        check("declared", machine.channels.declaredCount, found.count { $0.extras?.declaration != nil })
        check("tombstones", machine.channels.tombstoneCount, found.count { $0.isTombstone })
        if machine.totals.keptBytes > machine.limits.keptBytes { faults.append("too many bytes are kept") }
        if machine.totals.keptMessages < 0 || machine.totals.keptBytes < 0 {
            faults.append("the kept messages or bytes are negative")
        }
    }

    /// Checks that the elements that reports have put in order are those of the slab.
    private mutating func checkOrder<Element>(_ order: AgeOrder<Element>, of ids: [SlabKey<Element>]) {
        var ordered: Set<SlabKey<Element>> = []
        var next = order.first(after: nil)
        while let key = next {
            ordered.insert(key.id)
            next = order.first(after: AgeMark(key))
        }
        check("the keys in order", ordered.count, order.count)
        if ordered != Set(ids.filter { $0.slot < order.orderedSlots }) { faults.append("an order by age is wrong") }
    }

    private mutating func checkLeasedReceivers(_ parked: [ParkedOperation], _ channels: [NamedChannel]) {
        var counts: [ObjectIdentifier: Int] = [:]
        for operation in parked {
            switch operation.wait {
            case .receive(let channel, _, let lease) where lease > 0: counts[ObjectIdentifier(channel), default: 0] += 1
            case .countedReceive(let counted) where counted.leaseNanoseconds > 0:
                counts[ObjectIdentifier(counted.channel), default: 0] += 1
            case .select(let select):
                for case .receive(let channel, _, let lease) in select.arms where lease > 0 {
                    counts[ObjectIdentifier(channel), default: 0] += 1
                }
            case .send, .receive, .countedReceive, .barrier, .trace, .redrive: break
            }
        }
        for channel in channels {
            check("leased receivers", channel.leasedReceivers, counts[ObjectIdentifier(channel), default: 0])
        }
    }

    /// Checks that each level of the account agrees with the one below, and that no client is charged less than what it
    /// has.
    private mutating func checkCharge(of machine: borrowing HubStateMachine) {
        var charged = 0
        machine.account.forEachHolder { charged += $0.used }
        check("the whole charge", machine.account.used, charged)
        var least: [ConnectionID: Int] = [:]
        machine.operations.forEach { least[$1.caller.connection, default: 0] += Int($1.charge) }
        machine.leases.forEach { least[$1.holder, default: 0] += ObjectSize.lease }
        var clients: [(ConnectionID, ClientRecord)] = []
        machine.clients.forEach { clients.append(($0, $1)) }
        for (id, client) in clients {
            let ends = client.ends.reduce(0) { $0 + ObjectSize.end(of: $1.channel.name) }
            let declared = Int(client.declaredCount) * ObjectSize.declaredChannel
            if client.charged < Int(client.ownBytes) + least[id, default: 0] + ends + declared {
                faults.append("a client is charged \(client.charged) bytes, less than what it has")
            }
        }
    }

    private mutating func check(_ what: String, _ value: Int, _ expected: Int) {
        if value != expected { faults.append("\(what): \(value) instead of \(expected)") }
    }

    // MARK: Operations

    private mutating func note(_ operation: ParkedOperation, _ id: OperationID) {
        let connection = operation.caller.connection
        operations[connection, default: 0] += 1
        parkedBytes[connection, default: 0] += Int(operation.bodyBytes)
        possibleLeases[connection, default: 0] += operation.wait.possibleLeases
        switch operation.wait {
        case .send(let channel, let offer, _):
            note(offer, on: channel, id)
            if operation.triesOnce, !offer.isLeased { faults.append("a send with timeout=0 waits without a lease") }
        case .receive(let channel, _, _): note(receiver: id, of: channel)
        case .countedReceive(let counted) where !counted.isPaused: note(receiver: id, of: counted.channel)
        case .countedReceive(let counted):
            if counted.place == nil {
                faults.append("a paused receive is missing from its channel")
            }
        case .select(let select):
            for arm in select.arms {
                switch arm {
                case .send(let channel, let offer): note(offer, on: channel, id)
                case .receive(let channel, _, _): note(receiver: id, of: channel)
                case .barrier: break
                }
            }
        case .barrier, .redrive, .trace: break
        }
    }

    private mutating func note(_ offer: Offer, on channel: NamedChannel, _ id: OperationID) {
        let name = channel.name.description
        if channels[name] !== channel { faults.append("a send on a channel that is not in the table") }
        if offer.sender?.operation != id, offer.attached?.holds(id) != true {
            faults.append("an offer on \(name) has lost its sender")
        }
        switch offer.place {
        // Another operation that sends the same message shares the offer of the first one.
        case .queued where offer.sender?.operation != id, .returned where offer.sender?.operation != id: break
        case .queued:
            senders[name, default: []].insert(id)
            queuedOffers[name, default: []].insert(ObjectIdentifier(offer))
        case .returned: senders[name, default: []].insert(id)
        case .gone: faults.append("a sender on \(name) waits for an offer that is gone")
        case .buffered, .delayed, .held, .leased, .distributing: break
        }
    }

    private mutating func note(receiver id: OperationID, of channel: NamedChannel) {
        let name = channel.name.description
        if channels[name] !== channel { faults.append("a receive on a channel that is not in the table") }
        receivers[name, default: []].insert(id)
        receiverArms[name, default: 0] += 1
    }

    // MARK: Channels

    private mutating func check(_ channel: NamedChannel) {
        let name = channel.name.description
        let engine = (
            senders: channel.engine.parkedSenders, receivers: channel.engine.parkedReceivers,
            buffered: channel.engine.bufferedCount, held: channel.engine.heldCount
        )
        check("receivers of \(name)", engine.receivers, receiverArms[name] ?? 0)
        check("senders of \(name)", engine.senders, queuedOffers[name]?.count ?? 0)
        check(
            "away from \(name)", channel.awayCount,
            (leasesOfChannels[name] ?? 0) + (channel.extras?.delayed.count ?? 0)
                + (channel.extras?.held.count ?? 0))
        if engine.held < 0 { faults.append("\(name) holds a negative number") }
        let hasReturned = channel.extras?.returned.isEmpty == false
        if channel.awayCount == 0, !hasReturned { check("held by \(name)", engine.held, 0) }
        if case .buffered(let capacity) = channel.engine.kind {
            if engine.buffered + engine.held > capacity { faults.append("\(name) keeps more than its capacity") }
            if engine.buffered + engine.held < capacity, engine.senders > 0 {
                faults.append("senders wait on \(name) although it has capacity")
            }
        }
        if channel.engine.ending != nil, engine.receivers > 0, channel.isDrained {
            faults.append("receivers wait on \(name), which has ended")
        }
        if channel.refusesReturns, engine.senders > 0 || engine.buffered > 0 || hasReturned {
            faults.append("a message waits on \(name), which has no receivers any more")
        }
        if channel.extras?.round != nil, !channel.isBroadcast {
            faults.append("\(name) has a round but is not a broadcast")
        }
        if channel.isIdle, channel.engine.ending == nil { faults.append("\(name) is idle and still exists") }
        if channel.isBroadcast {
            if channel.extras?.round == nil, channel.engine.firstParkedMessage?.minimumReceivers == 0 {
                faults.append("a broadcast on \(name) waits without a reason")
            }
        } else {
            if engine.receivers > 0, engine.buffered > 0 || hasReturned {
                faults.append("receivers of \(name) wait although it has messages")
            }
            // A select may have arms on both sides of a channel, because it does not match itself.
            for sender in senders[name] ?? [] where receivers[name]?.contains(where: { $0 != sender }) == true {
                faults.append("a sender and a receiver on \(name) were not matched")
            }
        }
    }

    private mutating func check(_ client: ClientRecord, _ id: ConnectionID, _ limits: HubLimits) {
        check("operations of a client", Int(client.pendingCount), operations[id] ?? 0)
        check("parked bytes of a client", client.parkedBytes, parkedBytes[id] ?? 0)
        check("reserved leases of a client", client.reservedLeases, possibleLeases[id] ?? 0)
        check("leases of a client", Int(client.leaseCount), leases[id] ?? 0)
        if (client.firstLease == nil) != (client.lastLease == nil) { faults.append("a list of leases has one end") }
        if Int(client.leaseCount) + client.reservedLeases > limits.maxLeases { faults.append("too many leases") }
        if client.parkedBytes > limits.parkedBytes { faults.append("too many bytes are parked") }
        if client.ends.count > limits.maxEnds { faults.append("too many ends") }
    }
}
