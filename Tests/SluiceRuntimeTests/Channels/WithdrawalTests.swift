import TestSupport
import Testing

@testable import SluiceRuntime

/// A wait that is cancelled or times out at the moment when its counterpart comes. The order of the two events decides,
/// and nothing is lost. Both are timers of the same instant, so that nothing else runs between them.
@Suite(.bounded) struct WithdrawalTests {
    enum Waiting: CaseIterable, Sendable {
        case receive, selectReceive, send, selectSend

        var sends: Bool { self == .send || self == .selectSend }

        /// Receives a message or sends 7; returns the message.
        func perform(on channel: Channel<Int>, timeout: Duration?) async throws -> Int? {
            let nothing = Channel<String>()
            switch self {
            case .receive:
                return try await channel.receive(timeout: timeout)
            case .send:
                try await channel.send(7, timeout: timeout)
                return 7
            case .selectReceive:
                return try await select {
                    nothing.receiving { _ in nil }
                    channel.receiving { $0 }
                    if let timeout { after(timeout) { throw SluiceError(.timedOut, "the arm for it") } }
                }
            case .selectSend:
                return try await select {
                    nothing.receiving { _ in nil }
                    channel.sending(7) { 7 }
                    if let timeout { after(timeout) { throw SluiceError(.timedOut, "the arm for it") } }
                }
            }
        }

        /// Tries the counterpart. Returns whether it met the wait.
        func meet(on channel: Channel<Int>) -> Bool {
            if sends { (try? channel.tryReceive()) == 7 } else { (try? channel.trySend(7)) == true }
        }
    }

    enum Withdrawal: CaseIterable, Sendable {
        case cancel, timeout

        var code: SluiceError.Code { self == .cancel ? .cancelled : .timedOut }
    }

    enum Order: CaseIterable, Sendable {
        case meetingFirst, withdrawalFirst
    }

    static let cases = Waiting.allCases.flatMap { waiting in
        Withdrawal.allCases.flatMap { withdrawal in Order.allCases.map { (waiting, withdrawal, $0) } }
    }

    @Test("When a wait's end and its counterpart come at once, the first of them decides", arguments: cases)
    func whatComesFirstDecides(waiting: Waiting, withdrawal: Withdrawal, order: Order) throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let channel = Channel<Int>(name: "c")
        let met = Recorder<Bool>()
        let instant = Duration.seconds(1)
        try reactor.run {
            let meet: @Sendable () -> Void = { met.record(waiting.meet(on: channel)) }
            if order == .meetingFirst { _ = reactor.setTimer(after: instant, .call(meet)) }
            let task = reactor.spawn {
                try await waiting.perform(on: channel, timeout: withdrawal == .timeout ? instant : nil)
            }
            if withdrawal == .cancel { _ = reactor.setTimer(after: instant, .call { task.cancel() }) }
            try await parked(task)
            if order == .withdrawalFirst { _ = reactor.setTimer(after: instant, .call(meet)) }
            clock.advance(by: instant)
            switch order {
            case .meetingFirst: #expect(try await task.join() == 7)
            case .withdrawalFirst: #expect(await failure { _ = try await task.join() }?.code == withdrawal.code)
            }
        }
        #expect(met.values == [order == .meetingFirst])
        #expect(channel.parkedCount == 0)
    }

    @Test("A task that is already cancelled does not wait", arguments: Waiting.allCases)
    func aTaskThatIsCancelledAlreadyDoesNotWait(waiting: Waiting) throws {
        let reactor = try Reactor()
        let channel = Channel<Int>()
        try reactor.run {
            let task = reactor.spawn { try await waiting.perform(on: channel, timeout: nil) }
            task.cancel()
            #expect(await failure { _ = try await task.join() }?.code == .cancelled)
        }
        #expect(channel.parkedCount == 0)
    }

    @Test("A task off the reactors that is already cancelled does not wait", arguments: Waiting.allCases)
    func aTaskOffTheReactorThatIsCancelledAlreadyDoesNotWait(waiting: Waiting) async {
        let channel = Channel<Int>()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await waiting.perform(on: channel, timeout: nil)
        }
        let error = await failure { _ = try await task.value }
        #expect(error?.code == .cancelled)
        #expect(channel.parkedCount == 0)
    }

    /// The time may run out before the wait has begun.
    @Test("A wait off the reactors with a timeout of zero times out", arguments: Waiting.allCases)
    func aWaitOffTheReactorThatHasNoTimeTimesOut(waiting: Waiting) async {
        let channel = Channel<Int>()
        for _ in 0..<500 {
            let error = await failure { _ = try await waiting.perform(on: channel, timeout: .zero) }
            #expect(error?.code == .timedOut)
            if error?.code != .timedOut { break }
        }
        #expect(channel.parkedCount == 0)
    }
}
