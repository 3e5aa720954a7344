public import DequeModule

/// What parks in a `Matcher`: a suspended task, an arm of a select, or an operation of a remote client.
@usableFromInline
package protocol MatchWaiter: Sendable {
    /// Takes the right to complete this waiter; false when another arm of its select has been taken already.
    ///
    /// Called at most once for each time that the waiter is parked, at the moment when a counterpart is there.
    func claim() -> Bool
}

/// What a channel does with a message that nobody is waiting for. A capacity below 0 counts as 0.
public enum ChannelKind: Sendable, Hashable {
    /// Hold the sender until a receiver takes the message.
    case rendezvous
    /// Keep up to `capacity` messages, then hold the senders.
    case buffered(capacity: Int)
    /// Keep the first `capacity` messages that were not received yet; a message that does not fit is dropped.
    case droppingNewest(capacity: Int)
    /// Keep the last `capacity` messages; the oldest makes room. With capacity 1 this is conflation.
    case droppingOldest(capacity: Int)
    /// Keep every message, however many: the sender is never held and memory has no bound.
    case unbounded
    /// Take one value, once; every receiver, now and later, gets it. Further senders find the channel closed.
    case once
}

/// Why a channel takes no more messages.
public enum ChannelEnding: Sendable, Hashable {
    /// The senders are done: what is buffered or parked is still received.
    case closed(reason: String?)
    /// Both sides ended at once, and what was buffered or parked is gone.
    case poisoned(reason: String?)
}

/// The matching engine: where a send and a receive meet. Synchronous and pure: it owns the queues of a single channel
/// and decides; whoever calls it holds the lock and resumes, afterwards and exactly once, the waiters it hands back.
///
/// Invariants: senders are parked only while no receiver is and the buffer is full; receivers only while no sender is
/// and the buffer is empty; nobody is parked on an ended channel, but for senders that a closed one still drains, and
/// receivers for whom messages may come back.
@usableFromInline
package struct Matcher<Message, Sender: MatchWaiter, Receiver: MatchWaiter>: ~Copyable {
    @usableFromInline
    struct ParkedSend {
        @usableFromInline let sender: Sender
        @usableFromInline let message: Message

        @inlinable
        init(sender: Sender, message: Message) {
            self.sender = sender
            self.message = message
        }
    }

    /// The answer to an attempt to send.
    @usableFromInline
    package enum SendResult {
        /// `receiver` is to be given the message; it has left the queue.
        case handed(to: Receiver)
        /// All of `receivers` are to be given the message, which the channel keeps for those to come.
        case published(to: [Receiver])
        /// The channel keeps the message; to make room, its policy has dropped the other one.
        case accepted(dropping: Message?)
        /// The channel's policy has dropped the message.
        case dropped
        /// Nobody took it: the sender may park.
        case blocked
        /// The channel takes and gives no more: see `ending`.
        case ended
    }

    /// The answer to an attempt to receive.
    @usableFromInline
    package enum ReceiveResult {
        /// A message; `sender`, where there is one, has left the queue and is to be told that it was taken.
        case message(Message, from: Sender?)
        /// Nothing there: the receiver may park.
        case blocked
        /// The channel takes and gives no more: see `ending`.
        case ended
    }

    /// Those who were parked when the channel ended; they have left their queues and are to be told.
    @usableFromInline
    package struct Evicted {
        @usableFromInline package var senders: [Sender] = []
        @usableFromInline package var receivers: [Receiver] = []
        /// What was buffered, and is gone.
        @usableFromInline package var messages: Deque<Message> = []

        @inlinable
        init() {}
    }

    /// May be changed while nobody is parked to send, and nothing is buffered.
    @usableFromInline package var kind: ChannelKind
    @usableFromInline package internal(set) var ending: ChannelEnding?
    /// How many messages were taken out of the buffer and still use its room: those that may come back.
    @usableFromInline package internal(set) var heldCount = 0
    @usableFromInline var buffer = Deque<Message>()
    @usableFromInline var senders = WaitQueue<ParkedSend>()
    @usableFromInline var receivers = WaitQueue<Receiver>()

    @inlinable
    package init(_ kind: ChannelKind) {
        self.kind = kind
    }

    /// Whether the one message is everybody's. A comparison of kinds compares capacities too, 20 times as slowly.
    @inlinable var isOnce: Bool { if case .once = kind { true } else { false } }
    /// The number of messages buffered.
    @inlinable package var bufferedCount: Int { buffer.count }
    /// What is buffered, the oldest first.
    @inlinable package var bufferedMessages: Deque<Message> { buffer }
    /// The number of senders parked.
    @inlinable package var parkedSenders: Int { senders.count }
    /// The number of receivers parked.
    @inlinable package var parkedReceivers: Int { receivers.count }

    // MARK: Meeting

    /// Offers `message` to the receiver that waits longest, else to the buffer. The message is asked for only where the
    /// channel keeps it.
    @inlinable
    package mutating func send(_ message: @autoclosure () -> Message) -> SendResult {
        if ending != nil { return .ended }
        if isOnce { return publish(message()) }
        if let receiver = popReceiver() { return .handed(to: receiver) }
        return keep(message())
    }

    /// Takes the oldest message: a buffered one, whose place the sender that waits longest fills, or that sender's own.
    ///
    /// - Parameter isHeld: the message may come back: one out of the buffer goes on using its room, until `letGo`.
    @inlinable
    package mutating func receive(holding isHeld: Bool = false) -> ReceiveResult {
        if let message = takeBuffered() {
            if isHeld { heldCount += 1 }
            return .message(message, from: isHeld ? nil : admit())
        }
        if let parked = popSender() { return .message(parked.message, from: parked.sender) }
        if ending != nil { return .ended }
        return .blocked
    }

    /// A held message does not come back: the sender that waits longest takes its room.
    ///
    /// - Returns: that sender.
    @inlinable
    package mutating func letGo() -> Sender? {
        heldCount -= 1
        return admit()
    }

    /// Has a message that was handed out at once use room of the buffer, as if it had been in there.
    ///
    /// - Returns: whether there is room for it.
    package mutating func holdRoom() -> Bool {
        switch kind {
        case .buffered(let capacity):
            guard buffer.count + heldCount < capacity else { return false }
        case .rendezvous, .once: return false
        case .droppingNewest, .droppingOldest, .unbounded: break
        }
        heldCount += 1
        return true
    }

    /// Has the sender that waits longest fill room in the buffer, if there is any.
    ///
    /// - Returns: that sender.
    @inlinable
    package mutating func admit() -> Sender? {
        guard case .buffered(let capacity) = kind, buffer.count + heldCount < capacity, let parked = popSender() else {
            return nil
        }
        buffer.append(parked.message)
        return parked.sender
    }

    /// Queues a sender whose `send` was blocked.
    @inlinable
    package mutating func park(_ sender: Sender, message: Message) -> WaitTicket {
        senders.append(ParkedSend(sender: sender, message: message))
    }

    /// Queues a receiver whose `receive` was blocked.
    @inlinable
    package mutating func park(_ receiver: Receiver) -> WaitTicket {
        receivers.append(receiver)
    }

    /// Takes a parked sender out of the queue, with its message; nil when it was matched already.
    @inlinable
    package mutating func withdrawSender(_ ticket: WaitTicket) -> Sender? {
        senders.remove(ticket)?.sender
    }

    /// Takes a parked receiver out of the queue; nil when it was matched already.
    @inlinable
    package mutating func withdrawReceiver(_ ticket: WaitTicket) -> Receiver? {
        receivers.remove(ticket)
    }

    /// Takes the buffered message that `isWanted` out of the buffer; O(n).
    @inlinable
    package mutating func withdrawBuffered(where isWanted: (Message) -> Bool) -> Message? {
        buffer.firstIndex(where: isWanted).map { buffer.remove(at: $0) }
    }

    /// Visits those who are parked to receive, the one that waits longest first.
    @inlinable
    package borrowing func forEachReceiver(_ visit: (Receiver) -> Void) { receivers.forEach(visit) }

    /// The receiver that waits longest.
    @inlinable package var firstParkedReceiver: Receiver? { receivers.first }

    /// Takes the receiver that waits longest out of the queue.
    @inlinable
    package mutating func takeReceiver() -> Receiver? { popReceiver() }

    /// The message of the sender that waits longest.
    @inlinable package var firstParkedMessage: Message? { senders.first?.message }

    /// Takes the sender that waits longest out of the queue.
    @inlinable
    package mutating func takeSender() -> Sender? { popSender()?.sender }

    // MARK: Ending

    /// Takes no more messages; what is buffered or parked is still received. Nothing happens on an ended channel.
    ///
    /// - Parameter keepsReceivers: messages may still come back for those who are parked to receive.
    @inlinable
    package mutating func close(reason: String?, keepingReceivers keepsReceivers: Bool = false) -> Evicted {
        var evicted = Evicted()
        guard ending == nil else { return evicted }
        ending = .closed(reason: reason)
        if !keepsReceivers { evicted.receivers = evictReceivers() }
        return evicted
    }

    /// Closes the channel because nobody is left to receive: parked senders are told, and what is buffered is gone.
    @inlinable
    package mutating func refuseSenders(reason: String?) -> Evicted {
        var evicted = close(reason: reason)
        evicted.senders = evictSenders()
        swap(&evicted.messages, &buffer)
        return evicted
    }

    /// Ends both sides at once: parked senders and receivers are told, and what is buffered is gone.
    @inlinable
    package mutating func poison(reason: String?) -> Evicted {
        var evicted = Evicted()
        if case .poisoned = ending { return evicted }
        ending = .poisoned(reason: reason)
        evicted.receivers = evictReceivers()
        evicted.senders = evictSenders()
        swap(&evicted.messages, &buffer)
        return evicted
    }

    // MARK: Buffering

    /// Keeps a message that no receiver waits for, as the channel's kind says.
    @inlinable
    mutating func keep(_ message: Message) -> SendResult {
        switch kind {
        case .rendezvous:
            return .blocked
        case .buffered(let capacity):
            guard buffer.count + heldCount < capacity else { return .blocked }
        case .droppingNewest(let capacity):
            guard buffer.count + heldCount < capacity else { return .dropped }
        case .droppingOldest(let capacity):
            guard capacity > 0 else { return .dropped }
            if buffer.count >= capacity {
                let oldest = buffer.removeFirst()
                buffer.append(message)
                return .accepted(dropping: oldest)
            }
        case .unbounded, .once:
            break
        }
        buffer.append(message)
        return .accepted(dropping: nil)
    }

    /// Keeps the one message of a write-once channel, for everyone.
    @inlinable
    mutating func publish(_ message: Message) -> SendResult {
        buffer.append(message)
        ending = .closed(reason: nil)
        return .published(to: evictReceivers())
    }

    @inlinable
    mutating func takeBuffered() -> Message? {
        isOnce ? buffer.first : buffer.popFirst()
    }

    // MARK: Queues

    @inlinable
    mutating func popSender() -> ParkedSend? {
        while let parked = senders.popFirst() {
            if parked.sender.claim() { return parked }
        }
        return nil
    }

    @inlinable
    mutating func popReceiver() -> Receiver? {
        while let receiver = receivers.popFirst() {
            if receiver.claim() { return receiver }
        }
        return nil
    }

    /// Takes all parked receivers out of the queue, the one that waits longest first.
    @inlinable
    package mutating func evictReceivers() -> [Receiver] {
        var evicted: [Receiver] = []
        while let receiver = popReceiver() { evicted.append(receiver) }
        return evicted
    }

    @inlinable
    mutating func evictSenders() -> [Sender] {
        var evicted: [Sender] = []
        while let parked = popSender() { evicted.append(parked.sender) }
        return evicted
    }
}
