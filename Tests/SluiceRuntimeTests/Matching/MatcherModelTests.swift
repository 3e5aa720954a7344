import SeededRandom
import Testing

@testable import SluiceRuntime

@Suite struct MatcherModelTests {
    static let kinds: [ChannelKind] = [
        .rendezvous, .buffered(capacity: 1), .buffered(capacity: 3), .droppingNewest(capacity: 2),
        .droppingOldest(capacity: 1), .droppingOldest(capacity: 3), .unbounded, .once,
    ]

    @Test(
        "The matching engine agrees with its model under random operations", arguments: kinds, [UInt64(1), 7333, 2026])
    func agreesWithTheModelUnderRandomOperations(kind: ChannelKind, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<60 {
            var pair = EngineAndModel(kind)
            // Most channels are not ended, so that their queues have time to grow.
            let endings = Int.random(in: 0..<3, using: &random) == 0
            for id in 0..<200 {
                let step = pair.step(id, endings: endings, &random)
                #expect(step.engine == step.model, "\(kind), seed \(seed), step \(id)")
                if step.engine != step.model { return }
            }
        }
    }
}

/// The engine and the model, side by side. Each has its own claims for the same selects.
private struct EngineAndModel: ~Copyable {
    /// The visible state of a channel after a step.
    struct Outcome: Equatable {
        var sent: Sent?
        var received: Received?
        var evicted: EvictedIDs?
        var withdrawn: Int?
        var ending: ChannelEnding?
        var counts: [Int] = []
    }

    private var engine: TestMatcher
    private var model: MatcherModel
    private var senders: [(id: Int, ticket: WaitTicket)] = []
    private var receivers: [(id: Int, ticket: WaitTicket)] = []
    private var selects: [(engine: SharedClaim, model: SharedClaim)] = []

    init(_ kind: ChannelKind) {
        engine = TestMatcher(kind)
        model = MatcherModel(kind)
    }

    mutating func step(
        _ id: Int, endings: Bool, _ random: inout SeededGenerator
    ) -> (engine: Outcome, model: Outcome) {
        var (real, expected) = (Outcome(), Outcome())
        switch Int.random(in: 0..<(endings ? 103 : 100), using: &random) {
        case 0..<40:
            (real.sent, expected.sent) = (Sent(engine.send(id)), model.send(id))
            if real.sent == .blocked {
                let select = anySelect(&random)
                senders.append((id, engine.park(Party(id, armOf: select?.engine), message: id)))
                model.parkSender(MatcherModel.Waiter(id: id, select: select?.model, message: id))
            }
        case 40..<75:
            (real.received, expected.received) = (Received(engine.receive()), model.receive())
            if real.received == .blocked {
                let select = anySelect(&random)
                receivers.append((id, engine.park(Party(id, armOf: select?.engine))))
                model.parkReceiver(MatcherModel.Waiter(id: id, select: select?.model))
            }
        case 75..<83:
            guard let (named, ticket) = senders.randomElement(using: &random) else { break }
            (real.withdrawn, expected.withdrawn) = (engine.withdrawSender(ticket)?.id, model.withdrawSender(named))
        case 83..<91:
            guard let (named, ticket) = receivers.randomElement(using: &random) else { break }
            (real.withdrawn, expected.withdrawn) = (engine.withdrawReceiver(ticket)?.id, model.withdrawReceiver(named))
        case 91..<100:
            // A select commits to an arm on another channel.
            guard let select = selects.randomElement(using: &random) else { break }
            (real.withdrawn, expected.withdrawn) = (select.engine.take() ? 1 : 0, select.model.take() ? 1 : 0)
        case 100: (real.evicted, expected.evicted) = (EvictedIDs(engine.close(reason: nil)), model.close())
        case 101:
            (real.evicted, expected.evicted) = (EvictedIDs(engine.refuseSenders(reason: nil)), model.refuseSenders())
        default: (real.evicted, expected.evicted) = (EvictedIDs(engine.poison(reason: nil)), model.poison())
        }
        real.ending = engine.ending
        expected.ending = model.ending
        real.counts = [engine.bufferedCount, engine.parkedSenders, engine.parkedReceivers]
        expected.counts = [model.kept.count, model.senders.count, model.receivers.count]
        return (real, expected)
    }

    /// The select that the next waiter is an arm of: none, an existing one, or a new one.
    private mutating func anySelect(_ random: inout SeededGenerator) -> (engine: SharedClaim, model: SharedClaim)? {
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            selects.append((SharedClaim(), SharedClaim()))
            return selects.last
        case 1:
            return selects.randomElement(using: &random)
        default:
            return nil
        }
    }
}
