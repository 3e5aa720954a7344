import SeededRandom
import Synchronization
import TestSupport
import Testing

@testable import SluiceRuntime

/// Random trees of nurseries, whose tasks wait, fail, cancel and time out at random. A seed replays exactly.
@Suite(.bounded) struct NurseryFuzzTests {
    @Test(
        "In random trees of nurseries, no child outlives its nursery and no message is lost",
        arguments: [1, 7333, 2026, 41, 42, 43, 99, 1984], TaskStart.allCases)
    func nothingOutlivesItsNurseryAndNoMessageIsLost(seed: UInt64, start: TaskStart) async throws {
        let world = try World()
        try await start.perform {
            try world.reactor.run {
                var random = SeededGenerator(seed: seed)
                for _ in 0..<40 {
                    let seed = random.next()
                    let root = world.reactor.spawn("root") {
                        try await withNursery("root", timeout: .milliseconds(30)) { nursery in
                            nursery.spawn { try await world.live(depth: 0, seed: seed) }
                            nursery.spawn { try await world.live(depth: 0, seed: ~seed) }
                        }
                    }
                    for _ in 0..<1000 where !root.hasEnded {
                        world.clock.advance(by: .milliseconds(1))
                        for _ in 0..<3 { await Task.yield() }
                    }
                    world.check(root.hasEnded, "the timeout of 30 milliseconds ends the root")
                    world.check(world.reactor.tasks.count == 1, "only the main task is left")
                    world.check(world.ledger.balances, "what was sent was received")
                    world.check(world.channel.parkedCount == 0, "no operation is parked")
                    // Whatever happened to the root, the main task is in no cancelled scope.
                    try await sleep(for: .zero)
                }
            }
        }
        #expect(world.failures.values.isEmpty)
        #expect(world.ledger.receivedCount > 100, "the trees send messages")
    }
}

/// The reactor, the channel and the records that the tasks share.
private final class World: Sendable {
    let clock = ManualReactorClock()
    let reactor: Reactor
    let channel = Channel<Int>()
    let ledger = Ledger()
    private let messages = Numbers()
    /// What did not hold.
    let failures = Recorder<String>()

    init() throws {
        reactor = try Reactor(clock: clock)
    }

    func check(_ condition: Bool, _ expectation: String) {
        if !condition { failures.record(expectation) }
    }

    /// Does what `seed` says, in a nursery of its own unless it is too deep in the tree.
    func live(depth: Int, seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        guard depth < 4 else { return try await act(&random) }
        let living = Numbers()
        let limit = Duration.milliseconds(Int.random(in: 0..<10, using: &random))
        let timeout = Bool.random(using: &random) ? limit : nil
        defer { check(living.count == 0, "every child has ended when its nursery has") }
        try await withNursery("depth \(depth)", timeout: timeout) { nursery in
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let seed = random.next()
                living.add(1)
                nursery.spawn {
                    defer { living.add(-1) }
                    try await self.live(depth: depth + 1, seed: seed)
                }
            }
            for _ in 0..<Int.random(in: 0...2, using: &random) { try await act(&random) }
            if UInt8.random(in: 0..<8, using: &random) == 0 { nursery.cancel() }
        }
    }

    private func act(_ random: inout SeededGenerator) async throws {
        let time = Duration.milliseconds(Int.random(in: 0..<5, using: &random))
        switch UInt8.random(in: 0..<12, using: &random) {
        case 0..<3: try await sendOne(timeout: nil)
        case 3..<6: try await receiveOne(timeout: nil)
        case 6: try await sendOne(timeout: time)
        case 7: try await receiveOne(timeout: time)
        case 8: try await withTimeout(time) { try await receiveOne(timeout: nil) }
        case 9: try await sleep(for: time)
        case 10: await Task.yield()
        default: throw TestFailure(name: "by chance")
        }
    }

    private func sendOne(timeout: Duration?) async throws {
        let message = messages.add(1)
        try await channel.send(message, timeout: timeout)
        ledger.noteSent(message)
    }

    private func receiveOne(timeout: Duration?) async throws {
        if let message = try await channel.receive(timeout: timeout) { ledger.noteReceived(message) }
    }
}

/// A number that tasks increment.
private final class Numbers: Sendable {
    private let value = Lock(0)

    var count: Int { value.withLock { $0 } }

    @discardableResult
    func add(_ change: Int) -> Int {
        value.withLock {
            $0 += change
            return $0
        }
    }
}
