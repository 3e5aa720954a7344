import SluiceRuntime
import SluiceWire

/// Leases: a receiver holds a message until it acknowledges or returns it, disconnects, or exceeds the time.
extension HubStateMachine {
    /// Returns the error if a lease is not possible, or nil if it is.
    ///
    /// - Parameter count: the number of leases that the operation may hold at a time.
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

    /// Reserves the leases that a parked operation may take, so that the limit still allows them when it matches.
    mutating func reserveLeases(_ count: Int, for connection: ConnectionID) {
        clients[connection]?.reservedLeases += count
    }

    /// Grants a receiver a lease of an offer.
    ///
    /// - Returns: the attributes that the receiver gets with the message.
    mutating func grant(
        _ offer: Offer, on channel: NamedChannel, _ nanoseconds: UInt64, to holder: ConnectionID,
        through counted: OperationID?
    ) -> CommonAttributes {
        let id = leases.nextKey
        let client = clients[holder] ?? unknownClient
        let next = client.firstLease
        let end = now &+ nanoseconds
        let deadline = deadlines.insert(.lease(id), at: end)
        leases.insert(
            Lease(
                offer: offer, channel: channel, holder: holder, countedReceive: counted, nanoseconds: nanoseconds,
                since: now, end: end, deadline: deadline, next: next))
        if let next { leases[next]?.previous = id } else { client.lastLease = id }
        client.firstLease = id
        client.leaseCount += 1
        client.charge(ObjectSize.lease)
        if let counted, case .countedReceive(let receive)? = operations[counted]?.wait {
            receive.unacknowledged += 1
            reserveLeases(-1, for: holder)
            if let operation = operations[counted] { recharge(operation, by: -ObjectSize.lease) }
        }
        channel.awayCount += 1
        offer.attempts += 1
        if offer.attempts > 1 { channel.counts.redelivered += 1 }
        uncountBuffered(offer, on: channel)
        offer.place = .leased
        if let sender = offer.sender { commit(sender, to: offer, on: channel) }
        while let sender = offer.attached?.takeUncommitted() { commit(sender, to: offer, on: channel) }
        lastFence += 1
        var terms = CommonAttributes(delivery: DeliveryID(id), attempt: offer.attempts, fence: lastFence)
        terms.isCall = offer.wantsAnswer
        return terms
    }

    /// Lets a new offer that is handed out use the channel's buffer space, if its sender needs no more than that.
    ///
    /// - Returns: whether the channel answers for the offer, so that its sender need not wait.
    mutating func useBufferSpace(for offer: Offer, on channel: NamedChannel) -> Bool {
        guard !offer.waitsUntilTaken, holdSpace(for: offer, on: channel) else { return false }
        countKept(offer)
        return true
    }

    /// Makes an offer that is not in the buffer use space of it.
    ///
    /// - Returns: whether there is space, and the channel may keep the message.
    private mutating func holdSpace(for offer: Offer, on channel: NamedChannel) -> Bool {
        guard offer.waitsUntilTaken || mayKeep(offer.body.count, for: offer.payer ?? unknownClient),
            channel.engine.holdRoom()
        else { return false }
        offer.isHeld = true
        return true
    }

    /// Commits a parked select to the arm whose message a receiver holds: the select no longer waits for its other
    /// arms.
    mutating func commit(_ sender: Offer.Sender, to offer: Offer, on channel: NamedChannel) {
        if sender.arm != nil, endIfDecided(sender.operation) { return }
        guard let arm = sender.arm, case .select(let select)? = operations[sender.operation]?.wait else { return }
        operations[sender.operation]?.wait = .send(channel, offer, arm: arm)
        if let operation = operations[sender.operation] {
            recharge(operation, by: ObjectSize.send - Int(operation.charge))
        }
        if let holder = operations[sender.operation]?.caller.connection {
            reserveLeases(-OperationWait.select(select).possibleLeases, for: holder)
        }
        steps += select.stepsOfArms
        for (number, other) in select.arms.enumerated() where number != Int(arm) {
            dequeue(other, sender.operation)
        }
        guard let key = select.key, let connection = operations[sender.operation]?.caller.connection else { return }
        clients[connection]?.fairness.remember(arm, of: key)
    }

    // MARK: Its end

    mutating func acknowledge(_ command: AcknowledgeCommand, by connection: ConnectionID) -> Outcome {
        guard let lease = takeLease(command.delivery, of: connection) else { return .done(.error(.stale)) }
        countHandoff(on: lease.channel)
        let isUnwanted: Bool
        if let answer = command.answer {
            isUnwanted = !complete(lease.offer, on: lease.channel, answering: answer)
        } else {
            isUnwanted = false
            complete(lease.offer, on: lease.channel)
        }
        lapse(lease)
        if command.repliesOnlyToFailure { return .unreported }
        return isUnwanted ? .done(.unwantedAnswer) : .ok(CommonAttributes())
    }

    mutating func nack(_ command: NackCommand, by connection: ConnectionID) -> Outcome {
        guard let id = lease(command.delivery, of: connection) else { return .done(.error(.stale)) }
        let isRejected = returnLease(id, after: command.delay)
        guard isRejected, clients[connection]?.understandsRejected == true else { return .ok(CommonAttributes()) }
        return .done(.rejectedAfterNack)
    }

    mutating func touch(_ delivery: DeliveryID, by connection: ConnectionID) -> Outcome {
        guard let id = lease(delivery, of: connection), let lease = leases[id] else { return .done(.error(.stale)) }
        deadlines.remove(lease.deadline)
        let end = now &+ lease.nanoseconds
        leases[id]?.end = end
        leases[id]?.deadline = deadlines.insert(.lease(id), at: end)
        return .ok(CommonAttributes())
    }

    /// Ends a lease whose message was not acknowledged. The message returns to its place in the channel.
    ///
    /// - Parameter delay: the time for which no receiver gets the message. The channel's policy may
    ///   prolong it.
    /// - Returns: whether the message is rejected, because this was its last attempt.
    @discardableResult
    mutating func returnLease(_ id: LeaseID, after delay: Duration?) -> Bool {
        if departures > 0, let offer = leases[id]?.offer { _ = endIfUnwanted(offer) }
        guard let lease = endLease(id) else { return false }
        let (channel, offer) = (lease.channel, lease.offer)
        offer.place = .gone
        if isSpent(offer, on: channel) {
            reject(offer, on: channel, because: "attempts")
            lapse(lease)
            return true
        }
        let delay = delayOfReturn(of: offer, on: channel, delay)
        if !channel.refusesReturns { endSendersThatWaitNoMore(of: offer) }
        if let delay, delay > .zero, offer.isWanted, !channel.refusesReturns {
            withhold(offer, on: channel, until: now &+ delay.wholeNanoseconds)
        } else {
            requeue(offer, on: channel)
        }
        lapse(lease)
        return false
    }

    /// Returns the pause before the message of a lease that has run out is handed out again. Nil for none, as usual.
    ///
    /// A receiver whose leases are too short would get the same messages again and again, as fast as the hub can send them.
    func pauseAfterExpiry(of id: LeaseID) -> Duration? {
        guard let lease = leases[id], lease.offer.attempts >= Self.attemptsBeforePause,
            lease.nanoseconds < Self.pause.wholeNanoseconds
        else { return nil }
        return Self.pause
    }

    private static let attemptsBeforePause = 16
    private static let pause = Duration.seconds(1)

    /// Returns the longer of the delay that a receiver asks for and that of the channel's policy.
    private func delayOfReturn(of offer: Offer, on channel: NamedChannel, _ delay: Duration?) -> Duration? {
        guard let policy = channel.extras?.policy else { return delay }
        return max(delay ?? .zero, policy.delay(afterAttempts: offer.attempts))
    }

    /// Returns the id of a lease that a connection holds. Nil if it is over, even if the hub has not ended it yet.
    private func lease(_ delivery: DeliveryID, of connection: ConnectionID) -> LeaseID? {
        guard let id = LeaseID(delivery), let lease = leases[id], lease.holder == connection, now < lease.end else {
            return nil
        }
        return id
    }

    /// Ends a lease that a connection holds, and returns it. Nil if there is no such lease.
    mutating func takeLease(_ delivery: DeliveryID, of connection: ConnectionID) -> Lease? {
        lease(delivery, of: connection).flatMap { endLease($0) }
    }

    /// Removes a lease from all lists.
    private mutating func endLease(_ id: LeaseID) -> Lease? {
        guard let lease = leases.remove(id) else { return nil }
        deadlines.remove(lease.deadline)
        let client = clients[lease.holder] ?? unknownClient
        if let next = lease.next { leases[next]?.previous = lease.previous } else { client.lastLease = lease.previous }
        if let previous = lease.previous {
            leases[previous]?.next = lease.next
        } else {
            client.firstLease = lease.next
        }
        client.leaseCount -= 1
        client.charge(-ObjectSize.lease)
        if stage != .serving { tellIfReleased(lease.holder) }
        lease.channel.awayCount -= 1
        return lease
    }

    /// Continues what the lease held up: the counted receive that the message went through, and the end of the channel.
    mutating func lapse(_ lease: Lease) {
        if let id = lease.countedReceive, case .countedReceive(let counted)? = operations[id]?.wait {
            counted.unacknowledged -= 1
            reserveLeases(1, for: lease.holder)
            if let operation = operations[id] { recharge(operation, by: ObjectSize.lease) }
            resume(counted, id)
        }
        settleEnding(of: lease.channel)
    }

    /// Returns an offer to its place: to the receiver that has waited longest, or in front of all later offers.
    mutating func requeue(_ offer: Offer, on channel: NamedChannel) {
        offer.place = .gone
        if channel.refusesReturns { return refuseReturn(of: offer, on: channel) }
        guard offer.isWanted else {
            discard(offer, on: channel)
            return channels.removeIfIdle(channel, at: now)
        }
        // If the message is taken for good, it no longer needs its buffer space; `settle` releases that.
        if handOver(offer, on: channel) { return }
        guard fitsBuffer(offer, on: channel) else { return dropAsNewest(offer, on: channel) }
        offer.place = .returned(channel.ensureExtras().returned.insert(offer, at: offer.position))
        if offer.isHeld { countBuffered(offer, on: channel) }
        chargeReturn(of: offer)
        dropOldestSurplus(of: channel)
    }

    /// Charges for the place of a returned offer, once.
    func chargeReturn(of offer: Offer) {
        if offer.hasReturned { return }
        offer.hasReturned = true
        offer.recharge(ObjectSize.returned)
    }

    /// Lets a returned message use free space of the buffer, as a new one would.
    ///
    /// - Returns: false if the channel drops the message as the newest, because it has no space.
    mutating func fitsBuffer(_ offer: Offer, on channel: NamedChannel) -> Bool {
        if offer.isHeld { return true }
        guard holdSpace(for: offer, on: channel) else {
            if case .droppingNewest = channel.engine.kind { return false }
            return true
        }
        completeAcceptance(of: offer)
        return true
    }

    /// Drops a returned message for which a channel that drops the newest has no space.
    mutating func dropAsNewest(_ offer: Offer, on channel: NamedChannel) {
        discard(offer, on: channel)
        endSenders(
            of: offer, offer.waitsUntilTaken ? OfferVerdict(.cancelled("dropped")) : OfferVerdict(taken: .dropped))
        channels.removeIfIdle(channel, at: now)
    }

    /// Drops the oldest messages of a channel that keeps only the latest ones, if messages have come back to it.
    mutating func dropOldestSurplus(of channel: NamedChannel) {
        guard case .droppingOldest(let capacity) = channel.engine.kind, let extras = channel.extras else { return }
        while channel.engine.bufferedCount + extras.returned.count > capacity, let oldest = extras.returned.popFirst() {
            drop(oldest, on: channel)
        }
    }

    /// Ends the senders that wait only for the lease: one with a timeout of zero, or a select with an `else`. No others
    /// can repeat the message. While the hub drains, ends all senders, because no other receiver will come.
    mutating func endSendersThatWaitNoMore(of offer: Offer) {
        guard stage == .serving else {
            if offer.sender == nil { return }
            let reason = Withdrawal.draining
            return endSenders(of: offer, OfferVerdict(offer.isKept ? reason.doubt : reason.reply))
        }
        while let sender = offer.sender, let operation = operations[sender.operation],
            operation.triesOnce || operation.elseArm >= 0
        {
            if operation.elseArm >= 0 {
                end(sender.operation, .otherwise(Attributes(.taking(operation.elseArm))))
            } else {
                withdraw(sender.operation, .timeout)
            }
        }
    }

    private mutating func refuseReturn(of offer: Offer, on channel: NamedChannel) {
        discard(offer, on: channel)
        if offer.sender != nil { endSenders(of: offer, OfferVerdict(channel.endingReply)) }
        channels.removeIfIdle(channel, at: now)
    }
}

extension Reply {
    /// The reply to a `NACK` that has ended the last attempt to deliver the message.
    static var rejectedAfterNack: Reply { .ok([Attribute(.rejected, flag: true)]) }
}

extension WireError {
    static let stale = WireError(.stale, "the lease has ended or belongs to another connection")
}
