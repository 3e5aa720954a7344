@testable import SluiceRuntime

/// The simplest possible channel: arrays, searched from the front. The matching engine must agree with it.
struct MatcherModel {
    struct Waiter {
        let id: Int
        let select: SharedClaim?
        /// The message of a sender.
        var message = 0
    }

    let kind: ChannelKind
    private(set) var ending: ChannelEnding?
    private(set) var kept: [Int] = []
    private(set) var senders: [Waiter] = []
    private(set) var receivers: [Waiter] = []

    init(_ kind: ChannelKind) { self.kind = kind }

    mutating func send(_ message: Int) -> Sent {
        if ending != nil { return .ended }
        if kind == .once {
            kept = [message]
            ending = .closed(reason: nil)
            return .published(to: Self.takeAll(&receivers).map(\.id))
        }
        if let receiver = Self.takeFirst(&receivers) { return .handed(to: receiver.id) }
        let limit: Int? =
            switch kind {
            case .rendezvous: 0
            case .buffered(let capacity), .droppingNewest(let capacity), .droppingOldest(let capacity): capacity
            case .unbounded, .once: nil
            }
        if limit.map({ kept.count < $0 }) ?? true {
            kept.append(message)
            return .accepted
        }
        switch kind {
        case .droppingNewest, .droppingOldest(capacity: 0): return .dropped
        case .droppingOldest:
            kept = Array((kept + [message]).suffix(limit ?? 0))
            return .accepted
        case .rendezvous, .buffered, .unbounded, .once: return .blocked
        }
    }

    mutating func receive() -> Received {
        if kind == .once, let value = kept.first { return .message(value, from: nil) }
        guard !kept.isEmpty || senders.contains(where: { $0.select?.isFree ?? true }) else {
            senders = []
            return ending == nil ? .blocked : .ended
        }
        let sender = Self.takeFirst(&senders)
        if let sender { kept.append(sender.message) }
        return .message(kept.removeFirst(), from: sender?.id)
    }

    mutating func parkSender(_ waiter: Waiter) { senders.append(waiter) }
    mutating func parkReceiver(_ waiter: Waiter) { receivers.append(waiter) }

    mutating func withdrawSender(_ id: Int) -> Int? { Self.remove(id, from: &senders) }
    mutating func withdrawReceiver(_ id: Int) -> Int? { Self.remove(id, from: &receivers) }

    mutating func close() -> EvictedIDs {
        if ending != nil { return EvictedIDs() }
        ending = .closed(reason: nil)
        return EvictedIDs(receivers: Self.takeAll(&receivers).map(\.id))
    }

    mutating func refuseSenders() -> EvictedIDs {
        var evicted = close()
        evicted.senders = Self.takeAll(&senders).map(\.id)
        kept = []
        return evicted
    }

    mutating func poison() -> EvictedIDs {
        if case .poisoned = ending { return EvictedIDs() }
        ending = .poisoned(reason: nil)
        kept = []
        return EvictedIDs(senders: Self.takeAll(&senders).map(\.id), receivers: Self.takeAll(&receivers).map(\.id))
    }

    /// Removes the first waiter whose select is still free, and all waiters before it.
    private static func takeFirst(_ waiters: inout [Waiter]) -> Waiter? {
        while !waiters.isEmpty {
            let waiter = waiters.removeFirst()
            if waiter.select?.take() ?? true { return waiter }
        }
        return nil
    }

    private static func takeAll(_ waiters: inout [Waiter]) -> [Waiter] {
        var taken: [Waiter] = []
        while let waiter = takeFirst(&waiters) { taken.append(waiter) }
        return taken
    }

    private static func remove(_ id: Int, from waiters: inout [Waiter]) -> Int? {
        guard let place = waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return waiters.remove(at: place).id
    }
}
