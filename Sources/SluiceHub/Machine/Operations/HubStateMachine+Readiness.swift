import SluiceRuntime
import SluiceWire

/// Whether a command, or the end of a lease, can be decided now.
///
/// Operations that a decision has ended, and that have not been answered yet, may stand in a channel's queue in front of
/// those that the command should meet. Some of them are answered first. Others are only taken out of the queue, which is
/// faster, and answered later. If the slice ends before all of them have left the queue, the command has to wait for its
/// next slice, as if it had arrived later.
extension HubStateMachine {
    /// Returns whether the command can run now. If not, the caller tries again in a later slice.
    @inline(__always)
    mutating func isReady(for command: Command) -> Bool { unfinished.isEmpty || clearsWay(for: command) }

    /// Performs a command of this process, which does not wait for another slice.
    mutating func applyAtOnce(_ command: Command, by caller: Caller) -> Outcome {
        while !isReady(for: command) {
            sliceEnd = steps &+ limits.turnSteps
            continueUnfinished()
        }
        return apply(command, by: caller)
    }

    /// Returns whether a send or a receive on the channel can run now.
    @inline(__always)
    mutating func isReady(forUseOf channel: ChannelName) -> Bool {
        !hasUntold || channels.existing(channel).map { isReady($0) } != false
    }

    /// Returns whether a lease can end now, so that its message goes to another receiver.
    mutating func isReady(forEndOf id: LeaseID) -> Bool {
        guard hasUntold, stage == .serving, let channel = leases[id]?.channel else { return true }
        return isReady(forReturnTo: channel)
    }

    /// Returns whether a message can come back to a channel, or move to its dead channel, now.
    mutating func isReady(forReturnTo channel: NamedChannel) -> Bool {
        if !hasUntold { return true }
        guard isReady(channel) else { return false }
        guard let dead = channel.extras?.policy?.deadChannel.flatMap({ channels.existing($0) }) else { return true }
        return isReady(dead)
    }

    /// Clears the heads of a channel's queues of decided operations.
    ///
    /// - Returns: whether none is left there.
    mutating func isReady(_ channel: NamedChannel) -> Bool {
        // At most an eighth of the slice is for answers. The rest is for taking arms out of the queue.
        let end = steps + max(0, sliceEnd - steps) / 8
        while let offer = firstMessage(of: channel), endFirstSenderIfDecided(of: offer) {
            if steps >= end { return setAsideEnded(on: channel) }
        }
        while let receiver = channel.engine.firstParkedReceiver, endIfDecided(receiver) {
            if steps >= end { return setAsideEnded(on: channel) }
        }
        return true
    }

    /// The message that the next receive takes, if its sender may have ended.
    private func firstMessage(of channel: NamedChannel) -> Offer? {
        departures > 0 && !channel.isBroadcast && !channel.isOnce
            ? channel.extras?.returned.first ?? channel.engine.firstBuffered ?? channel.engine.firstParkedMessage
            : channel.engine.firstParkedMessage
    }

    /// Takes operations that have ended, and have not been answered yet, out of the heads of a channel's queues.
    ///
    /// - Returns: whether none is left there.
    private mutating func setAsideEnded(on channel: NamedChannel) -> Bool {
        // A round of a broadcast refers to the places of its receivers.
        guard hasStepsLeft, !channel.isBroadcast else { return false }
        var total = 0
        while let parts = setAsideSender(on: channel) ?? setAsideReceivers(on: channel) {
            total += parts
            guard total >= Self.partsOfStep else { continue }
            steps += total / Self.partsOfStep
            total %= Self.partsOfStep
            if !hasStepsLeft { return false }
        }
        return true
    }

    /// To take an operation out of a queue counts four of these parts of a step. Each further arm of a select on the same
    /// channel counts one.
    private static let partsOfStep = 64

    private mutating func setAsideReceivers(on channel: NamedChannel) -> Int? {
        guard let first = channel.engine.firstParkedReceiver else { return nil }
        guard first.arm != nil else { return setAsideReceive(first.operation, on: channel) }
        guard let select = endedSelect(first.operation) else { return nil }
        var parts = 3
        while let receiver = channel.engine.firstParkedReceiver, receiver.operation == first.operation,
            let arm = receiver.arm
        {
            _ = channel.engine.takeReceiver()
            select.noteSetAside(arm: Int(arm))
            channel.armsSetAside += 1
            parts += 1
        }
        return parts
    }

    /// Sets aside the receive at the head of the queue, if its client departs.
    private mutating func setAsideReceive(_ id: OperationID, on channel: NamedChannel) -> Int? {
        guard departures > 0, let operation = operations[id], operation.client.departure != nil else { return nil }
        _ = channel.engine.takeReceiver()
        switch operation.wait {
        case .receive(_, _, let lease):
            operation.wait = .receive(channel, .ofNoQueue, leaseNanoseconds: lease)
            channel.armsSetAside += 1
        case .countedReceive(let counted): counted.ticket = nil
        case .send, .select, .barrier, .redrive, .trace: break
        }
        return 4
    }

    private mutating func setAsideSender(on channel: NamedChannel) -> Int? {
        guard let offer = firstMessage(of: channel), let sender = offer.sender, isKnownToHaveEnded(sender) else {
            return nil
        }
        // Another sender may have repeated the message, which then belongs to that one.
        guard !offer.hasAttached, case .queued = offer.place else {
            return endFirstSenderIfDecided(of: offer) ? Self.partsOfStep : nil
        }
        _ = channel.engine.takeSender()
        offer.place = .queued(.ofNoQueue)
        channel.armsSetAside += 1
        return 4
    }

    private mutating func isKnownToHaveEnded(_ sender: Offer.Sender) -> Bool {
        if departures > 0, operations[sender.operation]?.client.departure != nil { return true }
        return sender.arm != nil && endedSelect(sender.operation) != nil
    }

    /// Returns the select if it has ended and has not been answered yet.
    private mutating func endedSelect(_ id: OperationID) -> ParkedSelect? {
        guard let operation = operations[id], case .select(let select) = operation.wait else { return nil }
        if !select.isKnownToHaveEnded {
            guard select.isWithdrawn || isDecided(operation) else { return nil }
            select.isKnownToHaveEnded = true
        }
        return select
    }

    private mutating func clearsWay(for command: Command) -> Bool {
        if stage != .serving { return true }
        switch command {
        case .send(let command): return isReady(forUseOf: command.channel)
        case .receive(let command): return isReady(forUseOf: command.channel)
        case .select(let command): return command.arms.allSatisfy { isReady(for: $0) }
        case .barrier(let command): return isReady(forMeetingAt: command.name, command.parties)
        case .nack(let command): return isReady(forEndOf: command.delivery)
        case .reject(let command): return isReady(forEndOf: command.delivery)
        case .hello, .authenticate, .ping, .inspect, .kill, .cancel, .help, .quit, .acknowledge, .redrive, .touch,
            .open, .close, .poison, .join, .leave, .name, .trace:
            return true
        }
    }

    private mutating func isReady(for arm: Arm) -> Bool {
        switch arm {
        case .receive(let channel, _): isReady(forUseOf: channel)
        case .send(let channel, _, _, _): isReady(forUseOf: channel)
        case .barrier(let name, let parties): isReady(forMeetingAt: name, parties)
        }
    }

    private mutating func isReady(forEndOf delivery: DeliveryID) -> Bool {
        LeaseID(delivery).map { isReady(forEndOf: $0) } ?? true
    }

    /// Tells the decided parties at a barrier that would open. With more than `mostVerified` parties, this takes too long:
    /// the command waits until all unfinished work is done.
    private mutating func isReady(forMeetingAt name: ChannelName, _ parties: Int?) -> Bool {
        guard let barrier = barriers[name], mayHaveEndedParties(barrier), let parties = parties ?? barrier.parties,
            parties <= barrier.count + 1
        else { return true }
        guard barrier.count <= Self.mostVerified, hasStepsLeft else { return false }
        verifications += 1
        steps += stepsToVerify(barrier)
        for party in barrier.parked where endIfDecided(party) {
            if !hasStepsLeft { return false }
        }
        // Nothing can happen between this and the command that follows at once.
        barrier.verifiedAt = verifications
        return true
    }

    /// The most parties at a barrier that are verified at once.
    private static let mostVerified = 10_000
}

/// Continues a counted receive whose channel was not ready, or that had taken enough messages.
final class ResumedReceive: UnfinishedWork {
    private let receive: CountedReceive
    private let id: OperationID

    init(_ receive: CountedReceive, _ id: OperationID) {
        self.receive = receive
        self.id = id
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        guard machine.operations.holds(id), receive.isPaused else {
            receive.isResuming = false
            return true
        }
        guard machine.hasStepsLeft, machine.isReady(receive.channel) else { return false }
        machine.steps += 1
        receive.isResuming = false
        machine.resume(receive, id)
        return true
    }
}
