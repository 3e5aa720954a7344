import Testing

@testable import SluiceRuntime

@Suite struct MatcherEndingTests {
    @Test("A closed channel drains its buffer and its parked senders in order")
    func aClosedChannelDrainsItsBufferAndItsSendersInOrder() {
        var matcher = TestMatcher(.buffered(capacity: 2))
        _ = matcher.sendAll(1...4)
        let evicted = EvictedIDs(matcher.close(reason: "done"))
        let refused = Sent(matcher.send(5))
        let received = (0..<5).map { _ in Received(matcher.receive()) }
        #expect(evicted == EvictedIDs(), "the senders are still served")
        #expect(refused == .ended)
        #expect(
            received == [
                .message(1, from: 3), .message(2, from: 4), .message(3, from: nil), .message(4, from: nil), .ended,
            ])
        #expect(matcher.ending == .closed(reason: "done"))
    }

    @Test("Closing ends the parked receivers in order")
    func closingEndsTheReceiversInOrder() {
        var matcher = TestMatcher(.rendezvous)
        for id in 1...3 { _ = matcher.park(Party(id)) }
        let (evicted, again) = (EvictedIDs(matcher.close(reason: nil)), EvictedIDs(matcher.close(reason: "again")))
        let parked = matcher.parkedReceivers
        #expect(evicted == EvictedIDs(receivers: [1, 2, 3]))
        #expect(again == EvictedIDs())
        #expect(matcher.ending == .closed(reason: nil), "the first reason stays")
        #expect(parked == 0)
    }

    @Test("Poison ends both sides and drops the buffer")
    func poisonEndsBothSidesAndDropsTheBuffer() {
        var matcher = TestMatcher(.buffered(capacity: 1))
        _ = matcher.sendAll(1...3)
        let (evicted, again) = (EvictedIDs(matcher.poison(reason: "bad")), EvictedIDs(matcher.poison(reason: "worse")))
        let (sent, received) = (Sent(matcher.send(4)), Received(matcher.receive()))
        let (kept, parked) = (matcher.bufferedCount, matcher.parkedSenders)
        #expect(evicted == EvictedIDs(senders: [2, 3]))
        #expect(again == EvictedIDs())
        #expect(sent == .ended)
        #expect(received == .ended)
        #expect(matcher.ending == .poisoned(reason: "bad"))
        #expect(kept == 0)
        #expect(parked == 0)

        var waited = TestMatcher(.rendezvous)
        for id in 1...2 { _ = waited.park(Party(id)) }
        let receivers = EvictedIDs(waited.poison(reason: nil))
        #expect(receivers == EvictedIDs(receivers: [1, 2]))
    }

    @Test("A closed channel can still be poisoned")
    func aClosedChannelCanStillBePoisoned() {
        var matcher = TestMatcher(.buffered(capacity: 1))
        _ = matcher.sendAll(1...3)
        _ = matcher.close(reason: nil)
        let evicted = EvictedIDs(matcher.poison(reason: "bad"))
        let received = Received(matcher.receive())
        #expect(evicted == EvictedIDs(senders: [2, 3]))
        #expect(received == .ended)
        #expect(matcher.ending == .poisoned(reason: "bad"))
    }

    @Test("Closing a poisoned channel changes nothing")
    func aPoisonedChannelIsNotClosed() {
        var matcher = TestMatcher(.rendezvous)
        _ = matcher.poison(reason: "bad")
        _ = matcher.close(reason: nil)
        #expect(matcher.ending == .poisoned(reason: "bad"))
    }

    @Test("Refusing senders ends them and drops the buffer")
    func refusingSendersEndsThemAndDropsTheBuffer() {
        var matcher = TestMatcher(.buffered(capacity: 1))
        _ = matcher.sendAll(1...3)
        let evicted = EvictedIDs(matcher.refuseSenders(reason: "nobody"))
        let (sent, received) = (Sent(matcher.send(4)), Received(matcher.receive()))
        #expect(evicted == EvictedIDs(senders: [2, 3]))
        #expect(sent == .ended)
        #expect(received == .ended)
        #expect(matcher.ending == .closed(reason: "nobody"))
    }

    @Test("Refusing senders after a close ends those that were still parked")
    func refusingSendersAfterAClose() {
        var matcher = TestMatcher(.rendezvous)
        _ = matcher.sendAll(1...2)
        _ = matcher.close(reason: "done")
        let evicted = EvictedIDs(matcher.refuseSenders(reason: "nobody"))
        #expect(evicted == EvictedIDs(senders: [1, 2]))
        #expect(matcher.ending == .closed(reason: "done"))
    }

    @Test("A write-once channel that is closed first never has a value")
    func aWriteOnceChannelThatIsClosedFirstNeverHasAValue() {
        var matcher = TestMatcher(.once)
        _ = matcher.park(Party(1))
        let evicted = EvictedIDs(matcher.close(reason: nil))
        let (sent, received) = (Sent(matcher.send(42)), Received(matcher.receive()))
        #expect(evicted == EvictedIDs(receivers: [1]))
        #expect(sent == .ended)
        #expect(received == .ended)
    }

    @Test("A write-once channel keeps its value when closed, but not when poisoned")
    func aWriteOnceChannelKeepsItsValueWhenItIsClosedButNotWhenPoisoned() {
        var matcher = TestMatcher(.once)
        _ = matcher.send(42)
        _ = matcher.close(reason: nil)
        let closed = Received(matcher.receive())
        _ = matcher.poison(reason: nil)
        let poisoned = Received(matcher.receive())
        #expect(closed == .message(42, from: nil))
        #expect(poisoned == .ended)
    }

    @Test("An ending resumes each select once")
    func anEndingResumesEachSelectOnce() {
        var matcher = TestMatcher(.rendezvous)
        let select = SharedClaim()
        let gone = SharedClaim()
        _ = gone.take()
        for (id, claim) in [(1, select), (2, select), (3, gone), (4, nil)] { _ = matcher.park(Party(id, armOf: claim)) }
        let evicted = EvictedIDs(matcher.close(reason: nil))
        #expect(evicted == EvictedIDs(receivers: [1, 4]))
    }

    @Test("The tickets of evicted waiters match nothing")
    func theTicketsOfEvictedWaitersMatchNothing() {
        var matcher = TestMatcher(.rendezvous)
        let senders = (1...2).map { matcher.park(Party($0), message: $0) }
        let receiver = matcher.park(Party(3))
        _ = matcher.poison(reason: nil)
        let left =
            senders.compactMap { matcher.withdrawSender($0) } + [matcher.withdrawReceiver(receiver)].compactMap(\.self)
        #expect(left.isEmpty)
    }
}
