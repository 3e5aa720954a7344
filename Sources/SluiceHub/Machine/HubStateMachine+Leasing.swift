import SluiceRuntime
import SluiceWire

/// Leases: a receiver has a message until it acknowledges it, refuses it, goes, or takes too long.
extension HubStateMachine {
    /// Why there can be no lease; nil when there can.
    ///
    /// - Parameter count: how many there may be at a time.
    func refusalToLease(on channel: NamedChannel?, to connection: ConnectionID, count: Int) -> WireError? {
        if let channel, channel.isBroadcast || channel.isOnce {
            return WireError(.conflict, "a lease needs a channel whose messages have one receiver each: kind=queue")
        }
        guard let client = clients[connection],
            count <= limits.maxLeases - Int(client.leaseCount) - client.reservedLeases
        else {
            return WireError(.limit, "a connection may hold at most \(limits.maxLeases) leases")
        }
        return nil
    }

    /// Sees to it that the leases fit that a parked operation may take, however long it waits.
    mutating func reserveLeases(_ count: Int, for connection: ConnectionID) {
        clients[connection]?.reservedLeases += count
    }

    /// Gives an offer to a receiver for some time.
    ///
    /// - Returns: what the receiver is told of it.
    mutating func grant(
        _ offer: Offer, on channel: NamedChannel, _ nanoseconds: UInt64, to holder: ConnectionID,
        through stream: OperationID?
    ) -> Attributes {
        let id = leases.nextKey
        let next = clients[holder]?.firstLease
        let deadline = deadlines.insert(.lease(id), at: now &+ nanoseconds)
        leases.insert(
            Lease(
                offer: offer, channel: channel, holder: holder, stream: stream, nanoseconds: nanoseconds,
                deadline: deadline, next: next))
        if let next { leases[next]?.previous = id }
        clients[holder]?.firstLease = id
        clients[holder]?.leaseCount += 1
        if let stream, case .stream(let receive)? = operations[stream]?.wait {
            receive.unacknowledged += 1
            reserveLeases(-1, for: holder)
        }
        channel.awayCount += 1
        offer.attempts += 1
        offer.place = .leased
        if let sender = offer.sender { commit(sender, to: offer, on: channel) }
        for sender in offer.attached { commit(sender, to: offer, on: channel) }
        return Attributes(delivery: DeliveryID(id), attempt: offer.attempts)
    }

    /// Has a new offer that is handed out use the channel's room, if its sender needs no more than that.
    ///
    /// - Returns: whether the channel answers for it.
    mutating func hold(_ offer: Offer, on channel: NamedChannel) -> Bool {
        guard !offer.waitsUntilTaken, mayKeep(offer.body.count), channel.engine.holdRoom() else { return false }
        offer.isHeld = true
        retain(offer)
        return true
    }

    /// A select that waits, and one of whose messages a receiver has, waits for nothing else any more.
    mutating func commit(_ sender: Offer.Sender, to offer: Offer, on channel: NamedChannel) {
        guard let arm = sender.arm, case .select(let select)? = operations[sender.operation]?.wait else { return }
        operations[sender.operation]?.wait = .send(channel, offer, arm: arm)
        if let holder = operations[sender.operation]?.caller.connection {
            reserveLeases(-OperationWait.select(select).possibleLeases, for: holder)
        }
        for (number, other) in select.arms.enumerated() where number != Int(arm) {
            leave(other, sender.operation)
        }
        guard let key = select.key, let connection = operations[sender.operation]?.caller.connection else { return }
        clients[connection]?.fairness.remember(arm, of: key)
    }

    // MARK: Its end

    mutating func acknowledge(_ delivery: DeliveryID, by connection: ConnectionID) -> Reply {
        guard let (id, _) = lease(delivery, of: connection), let lease = endLease(id) else {
            return .error(.stale)
        }
        countHandoff()
        complete(lease.offer, on: lease.channel)
        lapse(lease)
        return .ok(Attributes())
    }

    mutating func nack(_ command: NackCommand, by connection: ConnectionID) -> Reply {
        guard let (id, _) = lease(command.delivery, of: connection) else { return .error(.stale) }
        giveBack(id, after: command.delay)
        return .ok(Attributes())
    }

    mutating func touch(_ delivery: DeliveryID, by connection: ConnectionID) -> Reply {
        guard let (id, lease) = lease(delivery, of: connection) else { return .error(.stale) }
        deadlines.remove(lease.deadline)
        leases[id]?.deadline = deadlines.insert(.lease(id), at: now &+ lease.nanoseconds)
        return .ok(Attributes())
    }

    /// Ends a lease whose message was not acknowledged: that goes back to where it stood.
    ///
    /// - Parameter delay: how long nobody gets it.
    mutating func giveBack(_ id: LeaseID, after delay: Duration?) {
        guard let lease = endLease(id) else { return }
        let (channel, offer) = (lease.channel, lease.offer)
        offer.place = .gone
        if !channel.refusesReturns { endSendersThatWaitNoMore(of: offer) }
        if let delay, delay > .zero, offer.isWanted, !channel.refusesReturns {
            let handle = deadlines.insert(.delay(channel, offer), at: now &+ delay.wholeNanoseconds)
            offer.place = .delayed(handle)
            channel.ensureExtras().resting[offer.position] = offer
            channel.awayCount += 1
        } else {
            putBack(offer, on: channel)
        }
        lapse(lease)
    }

    /// Gives back everything that a connection holds, the oldest message first.
    mutating func giveBackAll(of connection: ConnectionID) {
        var held: [(id: LeaseID, position: UInt64)] = []
        var next = clients[connection]?.firstLease
        while let id = next, let lease = leases[id] {
            held.append((id, lease.offer.position))
            next = lease.next
        }
        held.sort { $0.position < $1.position }
        for (id, _) in held { giveBack(id, after: nil) }
    }

    private func lease(_ delivery: DeliveryID, of connection: ConnectionID) -> (LeaseID, Lease)? {
        guard let id = LeaseID(delivery), let lease = leases[id], lease.holder == connection else { return nil }
        return (id, lease)
    }

    /// Takes a lease out of everything.
    private mutating func endLease(_ id: LeaseID) -> Lease? {
        guard let lease = leases.remove(id) else { return nil }
        deadlines.remove(lease.deadline)
        if let next = lease.next { leases[next]?.previous = lease.previous }
        if let previous = lease.previous {
            leases[previous]?.next = lease.next
        } else {
            clients[lease.holder]?.firstLease = lease.next
        }
        clients[lease.holder]?.leaseCount -= 1
        if stage != .serving { tellIfReleased(lease.holder) }
        lease.channel.awayCount -= 1
        return lease
    }

    /// Does what the end of a lease is good for, besides what becomes of its message.
    private mutating func lapse(_ lease: Lease) {
        if let id = lease.stream, case .stream(let stream)? = operations[id]?.wait {
            stream.unacknowledged -= 1
            reserveLeases(1, for: lease.holder)
            resume(stream, id)
        }
        settleEnding(of: lease.channel)
    }

    /// Puts an offer back where it stood: to the receiver that waits longest, or in front of all later ones.
    mutating func putBack(_ offer: Offer, on channel: NamedChannel) {
        offer.place = .gone
        if channel.refusesReturns { return refuseReturn(of: offer, on: channel) }
        guard offer.isWanted else {
            discard(offer, on: channel)
            return channels.release(channel, at: now)
        }
        if let receiver = channel.engine.takeReceiver() {
            // Taken for good, it does not need its room any more; `settle` sees to that.
            return hand(offer, on: channel, to: receiver)
        }
        if channel.isSlidingFull {
            // It is the oldest of all, and the channel keeps the last ones.
            return drop(offer, on: channel)
        }
        offer.place = .returned(channel.ensureExtras().returned.insert(offer, at: offer.position))
    }

    /// Has an offer rest no more. Where it goes is for the caller to say.
    mutating func wake(_ offer: Offer, on channel: NamedChannel) {
        guard case .delayed(let handle) = offer.place else { return }
        deadlines.remove(handle)
        channel.extras?.resting[offer.position] = nil
        channel.awayCount -= 1
        offer.place = .gone
    }

    /// Ends the sends that would not have waited if nobody had been there; all of them when there will be no other
    /// receiver.
    private mutating func endSendersThatWaitNoMore(of offer: Offer) {
        let isServing = stage == .serving
        while let sender = offer.sender, let operation = operations[sender.operation],
            operation.triesOnce || !isServing
        {
            withdraw(sender.operation, isServing ? .timeout : .draining)
        }
    }

    private mutating func refuseReturn(of offer: Offer, on channel: NamedChannel) {
        discard(offer, on: channel)
        while let sender = offer.sender { end(sender.operation, channel.endingReply) }
        channels.release(channel, at: now)
    }
}

extension NamedChannel {
    /// Whether the channel keeps only the last messages, and has as many as it may.
    fileprivate var isSlidingFull: Bool { slidingSurplus >= 0 }

    /// Whether it has more than that.
    var isSlidingOverfull: Bool { slidingSurplus > 0 }

    private var slidingSurplus: Int {
        guard case .droppingOldest(let capacity) = engine.kind else { return -1 }
        return engine.bufferedCount + (extras?.returned.count ?? 0) - capacity
    }
}

extension WireError {
    fileprivate static let stale = WireError(.stale, "the lease has ended or belongs to another connection")
}
