import SluiceRuntime
import Synchronization
import TestSupport
import Testing

@testable import SluiceHub

/// The order in which the steps of TLS handshakes run.
@Suite(.bounded) struct HandshakeTurnsTests {
    @Test("The handshakes of different addresses take turns")
    func addressesTakeTurns() throws {
        let reactor = try Reactor()
        try reactor.runTest {
            let turns = HandshakeTurns(on: reactor)
            let (crowd, other) = (HolderID(.origin(.ipv4(1))), HolderID(.origin(.ipv4(2))))
            let order = Lock<[String]>([])
            var tasks: [GreenTask<Void>] = []
            for (name, id) in (0..<20).map({ ("crowd \($0)", crowd) }) + [("other", other)] {
                tasks.append(
                    reactor.spawn(name) {
                        try await turns.next(for: id, before: .max)
                        order.withLock { $0.append(name) }
                    })
            }
            for task in tasks { try await task.join() }
            #expect(order.withLock { $0 }.prefix(3).contains("other"))
            #expect(order.withLock { $0.count } == 21)
        }
    }

    @Test("A handshake whose time is over does not wait for its turn")
    func lateHandshakesEnd() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.runTest {
            let turns = HandshakeTurns(on: reactor)
            clock.advance(by: .seconds(1))
            let error = await #expect(throws: SluiceError.self) {
                try await turns.next(for: HolderID(.local), before: 1)
            }
            #expect(error?.code == .timedOut)
        }
    }
}
