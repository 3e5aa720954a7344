import SluiceRuntime
import SluiceWire

/// Moves the rejected messages of a channel to its dead channel, in the order in which they were rejected, until the dead
/// channel takes no more.
///
/// While it takes none, only the first message is tried, once in a second. If each message were tried, the time for them
/// would grow with their number.
final class HeldRejections: UnfinishedWork {
    /// The most messages that are passed over because their senders have used up their shares.
    private static let mostPassed = 64

    private let channel: NamedChannel
    /// The last message that was passed over, and the number of them.
    private var last: WaitTicket?
    private var passed = 0

    init(of channel: NamedChannel) {
        self.channel = channel
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        while passed < Self.mostPassed, let (ticket, offer) = channel.extras?.held.entry(after: last) {
            guard machine.hasStepsLeft, machine.isReady(forReturnTo: channel) else { return false }
            machine.steps += 2
            switch machine.obstacle(to: offer, heldOn: channel) {
            case nil:
                let rejection = machine.endHold(of: offer, on: channel)
                machine.rejectInTurn(offer, on: channel, because: rejection?.reason)
            case .sender:
                last = ticket
                passed += 1
            case .deadChannel: passed = Self.mostPassed
            }
        }
        channel.extras?.isMovingHeld = false
        machine.moveHeldRejectionsLater(of: channel)
        machine.settleEnding(of: channel)
        return true
    }
}

/// Why a rejected message stays in its channel.
enum HoldObstacle {
    /// The dead channel takes no message.
    case deadChannel
    /// The sender has used up its share of memory.
    case sender
}

extension HubStateMachine {
    /// The time after which rejected messages may move again, in nanoseconds.
    private static let pauseBeforeMoving: UInt64 = 1_000_000_000

    /// Puts a rejected message behind those that wait for the dead channel.
    mutating func hold(_ offer: Offer, on channel: NamedChannel) {
        totals.heldRejections += 1
        channel.awayCount += 1
        offer.place = .held(channel.ensureExtras().held.append(offer))
        chargeReturn(of: offer)
        moveHeldRejectionsLater(of: channel)
    }

    /// Removes a message from those that wait for the dead channel. The caller decides where it goes.
    ///
    /// - Returns: why the message was rejected.
    @discardableResult
    mutating func endHold(of offer: Offer, on channel: NamedChannel) -> Rejection? {
        guard case .held(let ticket) = offer.place else { return nil }
        totals.heldRejections -= 1
        channel.awayCount -= 1
        offer.place = .gone
        if let extras = channel.extras {
            _ = extras.held.remove(ticket)
            if extras.held.isEmpty, let deadline = extras.heldDeadline.take() { deadlines.remove(deadline) }
        }
        return offer.extras?.rejection.take()
    }

    /// Begins to move the rejected messages of a channel.
    mutating func moveHeldRejections(of channel: NamedChannel) {
        channel.extras?.heldDeadline = nil
        channel.extras?.isMovingHeld = true
        perform(HeldRejections(of: channel))
    }

    /// Sets the deadline at which the rejected messages of a channel may move.
    fileprivate mutating func moveHeldRejectionsLater(of channel: NamedChannel) {
        guard let extras = channel.extras, !extras.held.isEmpty, !extras.isMovingHeld, extras.heldDeadline == nil else {
            return
        }
        extras.heldDeadline = deadlines.insert(.heldRejections(channel), at: now &+ Self.pauseBeforeMoving)
    }
}
