import SluiceRuntime
import SluiceWire

/// Tells the receivers of a channel that it has ended.
final class EndedReceivers: UnfinishedWork {
    private let channel: NamedChannel
    private var receivers: WaitQueue<WireReceiver>

    init(_ receivers: consuming WaitQueue<WireReceiver>, of channel: NamedChannel) {
        self.channel = channel
        self.receivers = receivers
        channel.unfinishedReceiverEnds += 1
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        while let receiver = receivers.first {
            guard machine.hasStepsLeft else { return false }
            _ = receivers.popFirst()
            machine.tell(receiver, thatEnded: channel)
        }
        channel.unfinishedReceiverEnds -= 1
        return true
    }
}

/// What waits on a channel that ends on both sides.
struct EndedQueues: ~Copyable {
    var receivers: WaitQueue<WireReceiver>
    var senders: WaitQueue<NamedChannel.Engine.ParkedSend>
    var messages: WaitQueue<Offer>
    var returned = IndexedHeap<Offer>()
    var delayed = IndexedHeap<Offer>()
    var held = WaitQueue<Offer>()
    /// The receivers that were waiting when the current round of a broadcast began, and do not have its message.
    var receiversOfRound = WaitQueue<WireReceiver>()

    var areEmpty: Bool {
        receivers.isEmpty && senders.isEmpty && messages.isEmpty && returned.isEmpty && delayed.isEmpty
            && held.isEmpty && receiversOfRound.isEmpty
    }
}

/// Answers all operations and senders of a channel that has ended on both sides.
final class Eviction: UnfinishedWork {
    private let channel: NamedChannel
    private var queues: EndedQueues

    init(_ queues: consuming EndedQueues, of channel: NamedChannel) {
        self.channel = channel
        self.queues = queues
        channel.unfinishedReceiverEnds += 1
        channel.unfinishedSenderEnds += 1
    }

    func advance(_ machine: inout HubStateMachine) -> Bool {
        while !isDone {
            guard machine.hasStepsLeft else { return false }
            if let receiver = queues.receivers.popFirst() ?? queues.receiversOfRound.popFirst() {
                machine.tell(receiver, thatEnded: channel)
            } else if let offer = nextOffer {
                machine.steps += 1
                machine.endDelay(of: offer, on: channel)
                machine.endHold(of: offer, on: channel)
                machine.refuse(offer, on: channel)
            } else if let paused = channel.countedReceives.first {
                machine.end(paused, channel.endingReply)
            }
        }
        channel.unfinishedReceiverEnds -= 1
        channel.unfinishedSenderEnds -= 1
        machine.settleEnding(of: channel)
        return true
    }

    private var isDone: Bool { queues.areEmpty && channel.countedReceives.isEmpty }

    private var nextOffer: Offer? {
        queues.senders.popFirst()?.message ?? queues.messages.popFirst() ?? queues.returned.popFirst()
            ?? queues.delayed.popFirst() ?? queues.held.popFirst()
    }
}

extension HubStateMachine {
    /// Tells a receiver that its channel has ended, or else how its select has ended before.
    fileprivate mutating func tell(_ receiver: WireReceiver, thatEnded channel: NamedChannel) {
        guard operation(of: receiver) != nil else {
            steps += 1
            return
        }
        if !endIfDecided(receiver) { end(receiver.operation, channel.endingReply, arm: receiver.arm) }
    }
}
