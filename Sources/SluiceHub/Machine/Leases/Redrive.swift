import SluiceRuntime
import SluiceWire

/// Sends the messages of a dead channel back to the channels that they come from, the oldest first.
///
/// A message stays if the channel that it comes from has ended or has no room for it.
final class Redrive: UnfinishedWork, @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    let channel: NamedChannel
    /// The client that sends the messages back. It needs the permission to send to the channels that they come from.
    private let client: ClientRecord
    /// The operation that waits for the number of messages. Nil until the work takes more than one slice.
    var operation: OperationID?
    /// The holder whose commands of this kind run one after the other. Nil as long as `operation` is.
    var holder: Holder?
    private(set) var moved = 0
    private var remaining: Int
    /// The position of the last message that was in the channel when the command began.
    private let last: UInt64
    private var passed: WaitTicket?
    private var hasTakenReturned = false

    init(of channel: NamedChannel, by client: ClientRecord, atMost count: Int?, upTo last: UInt64) {
        self.channel = channel
        self.client = client
        remaining = count ?? .max
        self.last = last
    }

    /// The reply to the command.
    var reply: Reply { .ok([Attribute(.count, moved)]) }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        if let operation, client.departure != nil || !machine.operations.holds(operation) {
            machine.beginNextRedrive(after: self)
            return true
        }
        while remaining > 0, let offer = next {
            guard machine.hasStepsLeft,
                offer.storedOrigin.map({ machine.isReady(forUseOf: $0.from) }) != false
            else { return false }
            machine.steps += 2
            if mayReturn(offer), machine.redrive(offer, from: channel) {
                moved += 1
                remaining -= 1
            } else if case .buffered(let ticket) = offer.place {
                passed = ticket
            } else {
                hasTakenReturned = true
            }
        }
        if let operation {
            machine.end(operation, reply)
            machine.beginNextRedrive(after: self)
        }
        return true
    }

    private func mayReturn(_ offer: Offer) -> Bool {
        guard let permissions = client.grant.permissions, let origin = offer.storedOrigin else { return true }
        return permissions.allows(.send, on: origin.from)
    }

    /// The next message: first those that receivers have returned, up to one that must stay, and then the buffer.
    private var next: Offer? {
        if !hasTakenReturned, let offer = channel.extras?.returned.first, offer.position <= last { return offer }
        guard !channel.isOnce, let next = channel.engine.buffered(after: passed)?.message, next.position <= last else {
            return nil
        }
        return next
    }
}

extension HubStateMachine {
    mutating func redrive(_ command: RedriveCommand, _ caller: Caller) -> Outcome {
        guard let channel = channels.existing(command.channel) else {
            return .done(.error(WireError(.notFound, "no such channel is in use")))
        }
        let client = client(of: caller)
        if let refusal = account.refusal(of: ObjectSize.receive, for: client) { return .done(.error(refusal)) }
        let work = Redrive(of: channel, by: client, atMost: command.count, upTo: lastPosition)
        if work.advance(&self) {
            channels.removeIfIdle(channel, at: now)
            return .done(work.reply)
        }
        let terms = WaitTerms(timeout: nil, waitsAfterEOF: true)
        let id = park(.redrive(work), caller, of: client, terms, charging: ObjectSize.receive)
        work.operation = id
        work.holder = client.holder
        client.holder.redrives.append(work)
        // One at a time: the pieces of work of a holder take turns, and many commands would delay its other work.
        if client.holder.redrives.count == 1 { postpone(work) }
        return .parked(id)
    }

    /// Continues with the next command of the same holder.
    fileprivate mutating func beginNextRedrive(after work: Redrive) {
        guard let holder = work.holder, holder.redrives.first === work else { return }
        holder.redrives.removeFirst()
        if let next = holder.redrives.first { postpone(next) }
    }

    /// Sends a dead letter back to the channel that it comes from.
    ///
    /// - Returns: whether that channel has taken it.
    mutating func redrive(_ offer: Offer, from dead: NamedChannel) -> Bool {
        guard let storedOrigin = offer.storedOrigin, let source = channels.existing(storedOrigin.from), source !== dead
        else {
            return false
        }
        var draft = Draft(body: .owned(offer.body), origin: offer.origin, extras: .with(offer.extras?.trace))
        draft.key = storedOrigin.key.map { SendKey(channel: storedOrigin.from, id: $0.id, of: $0.principal) }
        let bytes = ObjectSize.keptOffer(draft)
        // A channel without a buffer keeps the message for the next receiver.
        guard mayMove(offer, to: source, charging: bytes),
            source.engine.hasRoom || source.engine.kind == .rendezvous
        else { return false }
        let payer = offer.payer ?? unknownClient
        dequeue(offer, from: dead)
        keep(draft, on: source, charging: bytes, to: payer)
        return true
    }
}
