import TestSupport
import Testing

@testable import SluiceRuntime

@Suite struct MatcherTests {
    @Test("A rendezvous hands a message to the longest waiting receiver")
    func aRendezvousHandsAMessageToTheReceiverThatWaitsLongest() {
        var matcher = TestMatcher(.rendezvous)
        for id in 1...3 { _ = matcher.park(Party(id)) }
        let sent = (10...13).map { Sent(matcher.send($0)) }
        #expect(sent == [.handed(to: 1), .handed(to: 2), .handed(to: 3), .blocked])
    }

    @Test("A rendezvous takes the message of the longest waiting sender")
    func aRendezvousTakesTheMessageOfTheSenderThatWaitsLongest() {
        var matcher = TestMatcher(.rendezvous)
        let sent = matcher.sendAll(1...3)
        let received = (0..<4).map { _ in Received(matcher.receive()) }
        #expect(sent == [.blocked, .blocked, .blocked])
        #expect(received == [.message(1, from: 1), .message(2, from: 2), .message(3, from: 3), .blocked])
    }

    @Test("A buffer and the senders parked behind it form one queue")
    func aBufferAndTheSendersBehindItAreOneQueue() {
        var matcher = TestMatcher(.buffered(capacity: 2))
        let sent = matcher.sendAll(1...5)
        #expect(sent == [.accepted, .accepted, .blocked, .blocked, .blocked])
        // Each receive moves the first blocked sender's message to the end of the buffer.
        let received = (0..<3).map { _ in Received(matcher.receive()) }
        #expect(received == [.message(1, from: 3), .message(2, from: 4), .message(3, from: 5)])
        let late = matcher.sendAll([6])
        #expect(late == [.blocked], "the messages of the blocked senders fill the buffer")
        let (kept, parked, rest) = (matcher.bufferedCount, matcher.parkedSenders, matcher.receiveAll())
        #expect(kept == 2)
        #expect(parked == 1)
        #expect(rest == [4, 5, 6])
    }

    @Test("A buffer without capacity is a rendezvous")
    func aBufferWithoutCapacityIsARendezvous() {
        var matcher = TestMatcher(.buffered(capacity: 0))
        let sent = matcher.sendAll([1])
        let received = Received(matcher.receive())
        #expect(sent == [.blocked])
        #expect(received == .message(1, from: 1))
    }

    @Test("Dropping the newest keeps the first messages")
    func droppingTheNewestKeepsTheFirst() {
        var matcher = TestMatcher(.droppingNewest(capacity: 2))
        let sent = matcher.sendAll(1...5)
        let received = matcher.receiveAll()
        #expect(sent == [.accepted, .accepted, .dropped, .dropped, .dropped])
        #expect(received == [1, 2])
    }

    @Test("Dropping the oldest keeps the last messages")
    func droppingTheOldestKeepsTheLast() {
        var matcher = TestMatcher(.droppingOldest(capacity: 2))
        let sent = matcher.sendAll(1...5)
        let received = matcher.receiveAll()
        #expect(sent.allSatisfy { $0 == .accepted })
        #expect(received == [4, 5])
    }

    @Test("Conflation keeps only the last message")
    func conflationKeepsOneMessageTheLast() {
        var matcher = TestMatcher(.droppingOldest(capacity: 1))
        _ = matcher.sendAll(1...3)
        let first = matcher.receiveAll()
        _ = matcher.sendAll(4...4)
        let second = matcher.receiveAll()
        #expect(first == [3])
        #expect(second == [4])
    }

    @Test("A channel that drops the newest may have no capacity")
    func aChannelThatDropsTheNewestMayHaveNoCapacity() {
        var matcher = TestMatcher(.droppingNewest(capacity: 0))
        let lost = matcher.sendAll([1])
        let nothing = Received(matcher.receive())
        _ = matcher.park(Party(7))
        let handed = matcher.sendAll([2])
        #expect(lost == [.dropped])
        #expect(nothing == .blocked)
        #expect(handed == [.handed(to: 7)])
    }

    /// In a process of its own, because an engine that fails here crashes.
    @Test("A channel that drops the oldest may have no capacity")
    func aChannelThatDropsTheOldestMayHaveNoCapacity() async {
        await #expect(processExitsWith: .success) {
            endExitTestInTime()
            var matcher = TestMatcher(.droppingOldest(capacity: 0))
            let lost = matcher.sendAll([1])
            let nothing = Received(matcher.receive())
            _ = matcher.park(Party(7))
            let handed = matcher.sendAll([2])
            #expect(lost == [.dropped])
            #expect(nothing == .blocked)
            #expect(handed == [.handed(to: 7)])
        }
    }

    @Test("An unbounded channel never blocks a sender")
    func anUnboundedChannelNeverBlocksASender() {
        var matcher = TestMatcher(.unbounded)
        let sent = matcher.sendAll(0..<1000)
        let received = matcher.receiveAll()
        #expect(sent.allSatisfy { $0 == .accepted })
        #expect(received == Array(0..<1000))
    }

    @Test(
        "A parked receiver comes before the buffer",
        arguments: [
            ChannelKind.buffered(capacity: 2), .droppingNewest(capacity: 2), .droppingOldest(capacity: 2), .unbounded,
        ])
    func aWaitingReceiverComesBeforeTheBuffer(kind: ChannelKind) {
        var matcher = TestMatcher(kind)
        _ = matcher.park(Party(1))
        let sent = (10...11).map { Sent(matcher.send($0)) }
        #expect(sent == [.handed(to: 1), .accepted])
    }

    @Test("A write-once channel gives its value to every receiver")
    func aWriteOnceChannelGivesItsValueToEveryReceiver() {
        var matcher = TestMatcher(.once)
        let early = Received(matcher.receive())
        for id in 1...3 { _ = matcher.park(Party(id)) }
        let (sent, again) = (Sent(matcher.send(42)), Sent(matcher.send(43)))
        let late = (0..<2).map { _ in Received(matcher.receive()) }
        #expect(early == .blocked)
        #expect(sent == .published(to: [1, 2, 3]))
        #expect(again == .ended)
        #expect(late == [.message(42, from: nil), .message(42, from: nil)])
    }

    @Test("Withdrawing a sender keeps the others in order")
    func aWithdrawnSenderLeavesTheOthersInOrder() {
        var matcher = TestMatcher(.rendezvous)
        let tickets = (0..<4).map { matcher.park(Party($0), message: $0) }
        let withdrawn = [1, 1, 2].map { matcher.withdrawSender(tickets[$0])?.id }
        let received = matcher.receiveAll()
        let late = tickets.compactMap { matcher.withdrawSender($0) }
        #expect(withdrawn == [1, nil, 2])
        #expect(received == [0, 3])
        #expect(late.isEmpty, "they were matched")
    }

    @Test("Withdrawing a receiver keeps the others in order")
    func aWithdrawnReceiverLeavesTheOthersInOrder() {
        var matcher = TestMatcher(.rendezvous)
        let tickets = (0..<4).map { matcher.park(Party($0)) }
        let withdrawn = [1, 1, 2].map { matcher.withdrawReceiver(tickets[$0])?.id }
        let sent = (0..<3).map { Sent(matcher.send($0)) }
        let late = tickets.compactMap { matcher.withdrawReceiver($0) }
        #expect(withdrawn == [1, nil, 2])
        #expect(sent == [.handed(to: 0), .handed(to: 3), .blocked])
        #expect(late.isEmpty, "they were matched")
    }

    @Test("An arm whose select has committed elsewhere is skipped")
    func anArmWhoseSelectWasTakenElsewhereIsPassedOver() {
        var matcher = TestMatcher(.rendezvous)
        let taken = SharedClaim()
        _ = taken.take()
        _ = matcher.park(Party(1, armOf: taken))
        _ = matcher.park(Party(2))
        let sent = Sent(matcher.send(7))
        #expect(sent == .handed(to: 2))
        _ = matcher.park(Party(3, armOf: taken), message: 3)
        _ = matcher.park(Party(4), message: 4)
        let received = (0..<2).map { _ in Received(matcher.receive()) }
        #expect(received == [.message(4, from: 4), .blocked])
    }

    @Test("The two arms of a select on one channel are matched once")
    func theTwoArmsOfASelectOnOneChannelAreMatchedOnce() {
        var matcher = TestMatcher(.rendezvous)
        let select = SharedClaim()
        _ = matcher.park(Party(1, armOf: select), message: 1)
        _ = matcher.park(Party(2, armOf: select))
        let sent = Sent(matcher.send(7))
        let received = Received(matcher.receive())
        #expect(sent == .handed(to: 2))
        #expect(received == .blocked)
    }
}
