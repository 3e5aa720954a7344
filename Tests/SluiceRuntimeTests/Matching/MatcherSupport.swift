import Synchronization

@testable import SluiceRuntime

// What the tests of the matching engine share.

/// A waiter that is only a number, and may be an arm of a select.
struct Party: MatchWaiter, Equatable {
    let id: Int
    var select: SharedClaim?

    init(_ id: Int, armOf select: SharedClaim? = nil) {
        self.id = id
        self.select = select
    }

    func claim() -> Bool { select?.take() ?? true }

    static func == (lhs: Party, rhs: Party) -> Bool { lhs.id == rhs.id }
}

/// The claim that the arms of a select share.
final class SharedClaim: Sendable {
    private let isTaken = Atomic<Bool>(false)

    var isFree: Bool { !isTaken.load(ordering: .relaxed) }

    /// Returns true for the first caller only.
    func take() -> Bool { !isTaken.exchange(true, ordering: .relaxed) }
}

typealias TestMatcher = Matcher<Int, Party, Party>

/// The result of a `send`, with the ids of the parties.
enum Sent: Equatable {
    case handed(to: Int)
    case published(to: [Int])
    case accepted
    case dropped
    case blocked
    case ended

    init(_ result: TestMatcher.SendResult) {
        switch result {
        case .handed(let receiver): self = .handed(to: receiver.id)
        case .published(let receivers): self = .published(to: receivers.map(\.id))
        case .accepted: self = .accepted
        case .dropped: self = .dropped
        case .blocked: self = .blocked
        case .ended: self = .ended
        }
    }
}

/// The result of a `receive`, with the ids of the parties.
enum Received: Equatable {
    case message(Int, from: Int?)
    case blocked
    case ended

    init(_ result: TestMatcher.ReceiveResult) {
        switch result {
        case .message(let message, let sender): self = .message(message, from: sender?.id)
        case .blocked: self = .blocked
        case .ended: self = .ended
        }
    }
}

/// The ids of the waiters that the channel's end has evicted.
struct EvictedIDs: Equatable {
    var senders: [Int] = []
    var receivers: [Int] = []
}

extension EvictedIDs {
    init(_ evicted: TestMatcher.Evicted) {
        self.init(senders: evicted.senders.map(\.id), receivers: evicted.receivers.map(\.id))
    }
}

extension Matcher where Message == Int, Sender == Party, Receiver == Party {
    /// Sends all of `messages`. For each that blocks, parks a sender of the same number.
    mutating func sendAll(_ messages: some Sequence<Int>) -> [Sent] {
        messages.map { message in
            let result = Sent(send(message))
            if result == .blocked { _ = park(Party(message), message: message) }
            return result
        }
    }

    /// Receives until nothing is left.
    mutating func receiveAll() -> [Int] {
        var messages: [Int] = []
        while case .message(let message, _) = receive() { messages.append(message) }
        return messages
    }
}
