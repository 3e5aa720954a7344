/// What parks in a `Matcher`: a suspended task, an arm of a select, or an operation of a remote client.
@usableFromInline
package protocol MatchWaiter: Sendable {
    /// Claims the right to complete this waiter; false when another arm of its select has been taken already.
    ///
    /// Called at most once each time the waiter is parked, when a counterpart is there.
    func claim() -> Bool
}

/// What a channel does with a message for which no receiver waits. A capacity is a number of messages; one below 0
/// counts as 0.
public enum ChannelKind: Sendable, Hashable {
    /// The sender waits until a receiver takes the message.
    case rendezvous
    /// The channel keeps up to `capacity` messages; further senders wait.
    case buffered(capacity: Int)
    /// The channel keeps up to `capacity` messages; further messages are dropped.
    case droppingNewest(capacity: Int)
    /// The channel keeps the last `capacity` messages; when it is full, the oldest is dropped. With capacity 1 this is
    /// conflation.
    case droppingOldest(capacity: Int)
    /// The channel keeps every message. Senders never wait, and the memory used has no bound.
    case unbounded
    /// The channel takes one message, which every receiver gets, now and later. For further senders it is closed.
    case once
}

/// Why a channel takes no more messages.
public enum ChannelEnding: Sendable, Hashable {
    /// The channel was closed. Messages that are buffered, or whose senders wait, are still received.
    case closed(reason: String?)
    /// Both sides were ended, and buffered messages were dropped.
    case poisoned(reason: String?)
}

/// The matching engine, in which a send and a receive meet. It is a pure state machine that owns the queues of one
/// channel. The caller holds the channel's lock during a call, and afterwards resumes each returned waiter exactly
/// once.
///
/// Invariants: senders are parked only while no receiver is parked and the buffer is full. Receivers are parked only
/// while no sender is parked and the buffer is empty. On an ended channel nothing is parked, except senders whose
/// messages a closed channel still drains, and receivers for messages that may come back.
@usableFromInline
package struct Matcher<Message, Sender: MatchWaiter, Receiver: MatchWaiter>: ~Copyable {
    @usableFromInline
    package struct ParkedSend {
        @usableFromInline package let sender: Sender
        @usableFromInline package let message: Message

        @inlinable
        init(sender: Sender, message: Message) {
            self.sender = sender
            self.message = message
        }
    }

    /// The answer to an attempt to send.
    @usableFromInline
    package enum SendResult {
        /// The caller gives the message to the receiver, which has been dequeued.
        case handed(to: Receiver)
        /// The caller gives the message to the receivers, which have been dequeued. The channel keeps it for later
        /// ones.
        case published(to: [Receiver])
        /// The channel keeps the message, and has dropped another one to make room.
        case accepted(dropping: Message?)
        /// The channel has dropped the message.
        case dropped
        /// No receiver is there: the sender may park.
        case blocked
        /// The channel has ended: see `ending`.
        case ended
    }

    /// The answer to an attempt to receive.
    @usableFromInline
    package enum ReceiveResult {
        /// A message. The caller resumes the sender, if there is one; it has been dequeued.
        case message(Message, from: Sender?)
        /// No message is there: the receiver may park.
        case blocked
        /// The channel has ended: see `ending`.
        case ended
    }

    /// What was parked when the channel ended. All of it has been dequeued; the caller resumes it.
    @usableFromInline
    package struct Evicted {
        @usableFromInline package var senders: [Sender] = []
        @usableFromInline package var receivers: [Receiver] = []
        /// The messages that were buffered, and are dropped.
        @usableFromInline package var messages: [Message] = []

        @inlinable
        init() {}
    }

    /// May be changed while no sender is parked and nothing is buffered.
    @usableFromInline package var kind: ChannelKind
    @usableFromInline package internal(set) var ending: ChannelEnding?
    /// The number of messages that were taken out of the buffer and still use its room, because they may come back.
    @usableFromInline package internal(set) var heldCount = 0
    @usableFromInline var buffer = WaitQueue<Message>()
    @usableFromInline var senders = WaitQueue<ParkedSend>()
    @usableFromInline var receivers = WaitQueue<Receiver>()

    @inlinable
    package init(_ kind: ChannelKind) {
        self.kind = kind
    }

    /// Whether the kind is `.once`. Comparing kinds with `==` compares capacities too and takes 20 times as long.
    @inlinable var isOnce: Bool { if case .once = kind { true } else { false } }
    /// The number of messages buffered.
    @inlinable package var bufferedCount: Int { buffer.count }
    /// The oldest buffered message.
    @inlinable package var firstBuffered: Message? { buffer.first }
    /// The ticket of the message that was buffered last.
    @inlinable package var lastBufferedTicket: WaitTicket { buffer.lastTicket }
    /// The number of senders parked.
    @inlinable package var parkedSenders: Int { senders.count }
    /// The number of receivers parked.
    @inlinable package var parkedReceivers: Int { receivers.count }

    // MARK: Meeting

    /// Matches a send with the receiver that has waited longest, or else buffers the message. Evaluates `message` only
    /// if the channel keeps it.
    @inlinable
    package mutating func send(_ message: @autoclosure () -> Message) -> SendResult {
        if ending != nil { return .ended }
        if isOnce { return publish(message()) }
        if let receiver = popReceiver() { return .handed(to: receiver) }
        return keep(message())
    }

    /// Takes the oldest message. If it was buffered, the sender that has waited longest fills its place; otherwise it
    /// is that sender's own.
    ///
    /// - Parameter isHeld: whether the message may come back. If so, a buffered one uses its room until `releaseHeld`.
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

    /// Releases the room of a held message that does not come back to the sender that has waited longest.
    ///
    /// - Returns: that sender, which the caller resumes.
    @inlinable
    package mutating func releaseHeld() -> Sender? {
        heldCount -= 1
        return admit()
    }

    /// Makes a message that was handed over directly use room of the buffer, as if it had been buffered.
    ///
    /// - Returns: whether there was room.
    package mutating func holdRoom() -> Bool {
        switch kind {
        case .buffered(let capacity), .droppingNewest(let capacity):
            guard buffer.count + heldCount < capacity else { return false }
        case .rendezvous, .once: return false
        case .droppingOldest, .unbounded: break
        }
        heldCount += 1
        return true
    }

    /// Whether the buffer has room for another message, perhaps because it drops an old one.
    package var hasRoom: Bool {
        switch kind {
        case .buffered(let capacity), .droppingNewest(let capacity): buffer.count + heldCount < capacity
        case .droppingOldest(let capacity): capacity > 0
        case .unbounded: true
        case .rendezvous, .once: false
        }
    }

    /// Buffers a message that has used room since `holdRoom`, behind all others, even if the channel has been closed.
    ///
    /// - Returns: the ticket of the message.
    package mutating func bufferHeld(_ message: Message) -> WaitTicket {
        heldCount -= 1
        return buffer.append(message)
    }

    /// Takes the oldest message out of the buffer of a channel that keeps only the latest ones, if there are too many.
    package mutating func takeOldestSurplus() -> Message? {
        guard case .droppingOldest(let capacity) = kind, buffer.count > capacity else { return nil }
        return buffer.popFirst()
    }

    /// The buffered message behind the one that `ticket` names, with its ticket. The oldest one if that message has been
    /// taken out, or for nil.
    package borrowing func buffered(after ticket: WaitTicket?) -> (ticket: WaitTicket, message: Message)? {
        buffer.entry(after: ticket).map { ($0.ticket, $0.entry) }
    }

    /// Buffers the message of the sender that has waited longest, if there is room. A caller that has many to admit may
    /// call it again later.
    ///
    /// - Returns: that sender, which the caller resumes.
    @inlinable
    package mutating func admit() -> Sender? {
        guard case .buffered(let capacity) = kind, buffer.count + heldCount < capacity, let parked = popSender() else {
            return nil
        }
        buffer.append(parked.message)
        return parked.sender
    }

    /// Parks a sender whose `send` was blocked.
    @inlinable
    package mutating func park(_ sender: Sender, message: Message) -> WaitTicket {
        senders.append(ParkedSend(sender: sender, message: message))
    }

    /// Parks a receiver whose `receive` was blocked.
    @inlinable
    package mutating func park(_ receiver: Receiver) -> WaitTicket {
        receivers.append(receiver)
    }

    /// Dequeues a parked sender; returns nil when it was matched already.
    @inlinable
    package mutating func withdrawSender(_ ticket: WaitTicket) -> Sender? {
        senders.remove(ticket)?.sender
    }

    /// Dequeues a parked receiver; returns nil when it was matched already.
    @inlinable
    package mutating func withdrawReceiver(_ ticket: WaitTicket) -> Receiver? {
        receivers.remove(ticket)
    }

    /// Takes a message out of the buffer; returns nil when it was taken already.
    @inlinable
    package mutating func withdrawBuffered(_ ticket: WaitTicket) -> Message? {
        buffer.remove(ticket)
    }

    /// Visits the parked receivers, the one that has waited longest first.
    @inlinable
    package borrowing func forEachReceiver(_ visit: (Receiver) -> Void) { receivers.forEach(visit) }

    /// The receiver that has waited longest.
    @inlinable package var firstParkedReceiver: Receiver? { receivers.first }

    /// Dequeues and claims the receiver that has waited longest.
    @inlinable
    package mutating func takeReceiver() -> Receiver? { popReceiver() }

    /// The message of the sender that has waited longest.
    @inlinable package var firstParkedMessage: Message? { senders.first?.message }

    /// Dequeues and claims the sender that has waited longest.
    @inlinable
    package mutating func takeSender() -> Sender? { popSender()?.sender }

    // MARK: Ending

    /// Closes the channel, and leaves what is parked and buffered to the caller. Returns false if it has ended already.
    @inlinable @discardableResult
    package mutating func beginClosing(reason: String?) -> Bool {
        guard ending == nil else { return false }
        ending = .closed(reason: reason)
        return true
    }

    /// Ends both sides, and leaves what is parked and buffered to the caller.
    ///
    /// - Returns: false if the channel was poisoned already.
    @inlinable @discardableResult
    package mutating func beginPoisoning(reason: String?) -> Bool {
        if case .poisoned = ending { return false }
        ending = .poisoned(reason: reason)
        return true
    }

    /// Closes the channel. Messages that are buffered, or whose senders are parked, are still received. Does nothing on
    /// an ended channel.
    @inlinable
    package mutating func close(reason: String?) -> Evicted {
        var evicted = Evicted()
        if beginClosing(reason: reason) { evicted.receivers = evictReceivers() }
        return evicted
    }

    /// Closes the channel because no receiver is left. Parked senders are evicted, and buffered messages are dropped.
    @inlinable
    package mutating func refuseSenders(reason: String?) -> Evicted {
        var evicted = close(reason: reason)
        evicted.senders = evictSenders()
        evicted.messages = evictMessages()
        return evicted
    }

    /// Ends both sides. Parked senders and receivers are evicted, and buffered messages are dropped.
    @inlinable
    package mutating func poison(reason: String?) -> Evicted {
        var evicted = Evicted()
        guard beginPoisoning(reason: reason) else { return evicted }
        evicted.receivers = evictReceivers()
        evicted.senders = evictSenders()
        evicted.messages = evictMessages()
        return evicted
    }

    // MARK: Buffering

    /// Does with a message for which no receiver waits what the channel's kind says.
    @inlinable
    mutating func keep(_ message: Message) -> SendResult {
        switch kind {
        case .rendezvous:
            return .blocked
        case .buffered(let capacity):
            // Senders may wait for a moment although there is room; see `admit`.
            guard buffer.count + heldCount < capacity, senders.isEmpty else { return .blocked }
        case .droppingNewest(let capacity):
            guard buffer.count + heldCount < capacity else { return .dropped }
        case .droppingOldest(let capacity):
            guard capacity > 0 else { return .dropped }
            if buffer.count >= capacity {
                let oldest = buffer.popFirst()
                buffer.append(message)
                return .accepted(dropping: oldest)
            }
        case .unbounded, .once:
            break
        }
        buffer.append(message)
        return .accepted(dropping: nil)
    }

    /// Keeps the one message of a `.once` channel.
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

    // Each takes a queue in constant time. The caller need not claim what was in it.
    package mutating func takeReceivers() -> WaitQueue<Receiver> { receivers.takeAll() }
    package mutating func takeSenders() -> WaitQueue<ParkedSend> { senders.takeAll() }
    package mutating func takeMessages() -> WaitQueue<Message> { buffer.takeAll() }

    /// Dequeues all parked receivers, the one that has waited longest first.
    @inlinable
    package mutating func evictReceivers() -> [Receiver] {
        var evicted: [Receiver] = []
        while let receiver = popReceiver() { evicted.append(receiver) }
        return evicted
    }

    @inlinable
    mutating func evictMessages() -> [Message] {
        var evicted: [Message] = []
        while let message = buffer.popFirst() { evicted.append(message) }
        return evicted
    }

    @inlinable
    mutating func evictSenders() -> [Sender] {
        var evicted: [Sender] = []
        while let parked = popSender() { evicted.append(parked.sender) }
        return evicted
    }
}
