import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

/// Each test uses a signal of its own, because signals belong to the whole process.
@Suite(.bounded) struct SignalTests {
    @Test("A task waits for a signal")
    func aTaskWaitsForASignal() throws {
        let reactor = try Reactor()
        try reactor.run {
            let signals = try reactor.signals(SIGUSR1)
            let waiter = reactor.spawn { try await signals.next() }
            try await parked(waiter)
            kill(getpid(), SIGUSR1)
            #expect(try await waiter.join() == SIGUSR1)
            signals.close()
        }
    }

    @Test("A signal is kept for the next wait")
    func aSignalIsKeptForTheNextWait() throws {
        let reactor = try Reactor()
        try reactor.run {
            let signals = try reactor.signals(SIGUSR2, SIGWINCH)
            // `raise` returns after this thread has handled the signal. `kill` may choose another thread, which may
            // handle it later than the next one.
            raise(SIGUSR2)
            try await turn(of: reactor)
            raise(SIGWINCH)
            try await turn(of: reactor)
            #expect(try await signals.next() == SIGUSR2)
            #expect(try await signals.next() == SIGWINCH)
            signals.close()
        }
    }

    @Test("A wait that is cancelled or times out takes no signal")
    func aWaitThatIsCutShortTakesNoSignal() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            let signals = try reactor.signals(SIGURG)
            let late = reactor.spawn { try await signals.next(timeout: .seconds(1)) }
            let cancelled = reactor.spawn { try await signals.next() }
            try await parked([late, cancelled])
            clock.advance(by: .seconds(1))
            cancelled.cancel()
            #expect(await failure { _ = try await late.join() }?.code == .timedOut)
            #expect(await failure { _ = try await cancelled.join() }?.code == .cancelled)
            kill(getpid(), SIGURG)
            #expect(try await signals.next() == SIGURG)
            signals.close()
        }
    }

    @Test("A signal has one watcher in the process")
    func aSignalHasOneWatcherInTheProcess() throws {
        let reactor = try Reactor()
        let other = try Reactor(name: "other")
        try other.start()
        try reactor.run {
            let signals = try reactor.signals(SIGIO, SIGPWR)
            // This reactor does not know the tasks of the other.
            reactor.hold()
            defer { reactor.release() }
            let second = other.spawn { try other.signals(SIGVTALRM, SIGIO) }
            let error = await failure { _ = try await second.join() }
            #expect(error?.code == .misuse)
            #expect(error?.message.contains("\(SIGIO)") == true)
            signals.close()
            let third = other.spawn { try other.signals(SIGVTALRM, SIGIO).close() }
            try await third.join()
        }
        other.stop()
    }

    @Test("Closing ends the waits and restores the signal's action")
    func closingEndsTheWaitsAndGivesTheSignalBack() throws {
        let reactor = try Reactor()
        try reactor.run {
            let signals = try reactor.signals(SIGPROF)
            let waiter = reactor.spawn { try await signals.next() }
            try await parked(waiter)
            signals.close()
            #expect(await failure { _ = try await waiter.join() }?.code == .closed)
            #expect(await failure { _ = try await signals.next() }?.code == .closed)
            var action = sigaction()
            sigaction(SIGPROF, nil, &action)
            #expect(action.__sigaction_handler.sa_handler == nil, "SIG_DFL")
        }
    }

    @Test("Watching a signal that cannot be watched is misuse")
    func whatCannotBeWatchedIsMisuse() async throws {
        let reactor = try Reactor()
        #expect(await failure { _ = try reactor.signals(SIGTTOU) }?.code == .misuse)
        try reactor.run {
            for number in [0, -1, 65, SIGKILL, SIGSTOP] {
                #expect(await failure { _ = try reactor.signals(number) }?.code == .misuse)
            }
        }
    }
}
