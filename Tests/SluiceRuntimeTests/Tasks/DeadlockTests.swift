import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct DeadlockTests {
    private func deadlock(of reactor: Reactor, _ body: @escaping @Sendable () async throws -> Void) throws -> Deadlock?
    {
        do {
            try reactor.run("main", body)
            return nil
        } catch let deadlock as Deadlock {
            return deadlock
        }
    }

    @Test("A lone task that waits on a channel is reported")
    func aTaskAloneOnAChannelIsReported() throws {
        let reactor = try Reactor()
        let deadlock = try deadlock(of: reactor) { _ = try await Channel<Int>(name: "jobs").receive() }
        #expect(
            deadlock?.description == """
                deadlock: all 1 tasks wait, and nothing can wake them \
                (if something outside the reactor can, see Reactor.hold)
                  task 'main': receive from channel 'jobs'
                """)
    }

    @Test("The report names each task and what it waits on, in order of start")
    func theReportNamesEachTaskAndWhatItWaitsOnInTheOrderOfTheirStart() throws {
        let reactor = try Reactor()
        let (jobs, results) = (Channel<Int>(name: "jobs"), Channel<String>(name: "results"))
        let deadlock = try deadlock(of: reactor) {
            let sender = reactor.spawn("sender") { try await jobs.send(1) }
            reactor.spawn("chooser") {
                try await select {
                    results.receiving { _ in }
                    results.sending("x") {}
                }
            }
            reactor.spawn("brief") {}
            reactor.spawn { _ = try await Channel<Int>().receive() }
            try await sender.join()
        }
        #expect(
            deadlock?.tasks == [
                "'main': join task 'sender'",
                "'sender': send on channel 'jobs'",
                "'chooser': select among receive from channel 'results', send on channel 'results'",
                "unnamed: receive from an unnamed channel",
            ])
    }

    @Test("A nursery in a deadlock throws instead of returning")
    func aNurseryInADeadlockDoesNotReturnAsIfItsTasksHadEnded() throws {
        let reactor = try Reactor()
        let endings = Recorder<SluiceError.Code?>()
        let deadlock = try deadlock(of: reactor) {
            endings.record(
                await failure {
                    try await withNursery("table") { nursery in
                        for _ in 1...2 { nursery.spawn { _ = try await Channel<Int>().receive() } }
                    }
                }?.code)
        }
        #expect(deadlock?.tasks.count == 3)
        #expect(endings.values == [.cancelled])
    }

    @Test("A deadlock's tasks are cancelled, and the reactor can run again")
    func theTasksOfADeadlockAreCancelledAndTheReactorRunsAgain() throws {
        let reactor = try Reactor()
        let channel = Channel<Int>()
        let endings = Recorder<SluiceError.Code?>()
        let deadlock = try deadlock(of: reactor) {
            reactor.spawn { endings.record(await failure { try await channel.send(1) }?.code) }
            endings.record(await failure { try await select { channel.sending(2) {} } }?.code)
        }
        #expect(deadlock?.tasks.count == 2)
        #expect(endings.values == [.cancelled, .cancelled])
        #expect(channel.parkedCount == 0)
        #expect(reactor.tasks.count == 0)
        #expect(try reactor.run { 7 } == 7)
    }

    // MARK: Dining philosophers

    /// Five philosophers each take two forks in this order, eat, and put them back, three times.
    private func dine(_ forks: @escaping @Sendable (Int) -> (first: Int, second: Int)) throws -> (Deadlock?, meals: Int)
    {
        let reactor = try Reactor()
        let table = (0..<5).map { Channel<Int>(.buffered(capacity: 1), name: "fork \($0)") }
        let meals = Recorder<Int>()
        let deadlock = try deadlock(of: reactor) {
            for (number, fork) in table.enumerated() { try await fork.send(number) }
            let philosophers = (0..<5).map { seat in
                reactor.spawn("philosopher \(seat)") {
                    let (first, second) = forks(seat)
                    for _ in 0..<3 {
                        _ = try await table[first].receive()
                        // Every philosopher has the first fork before one takes the second.
                        await Task.yield()
                        _ = try await table[second].receive()
                        meals.record(seat)
                        try await table[second].send(second)
                        try await table[first].send(first)
                    }
                }
            }
            for philosopher in philosophers { try await philosopher.join() }
        }
        return (deadlock, meals.values.count)
    }

    @Test("Philosophers who all take the left fork first are reported")
    func philosophersWhoAllReachToTheLeftAreReported() throws {
        let (deadlock, meals) = try dine { (first: $0, second: ($0 + 1) % 5) }
        #expect(meals == 0)
        #expect(
            deadlock?.tasks == [
                "'main': join task 'philosopher 0'",
                "'philosopher 0': receive from channel 'fork 1'",
                "'philosopher 1': receive from channel 'fork 2'",
                "'philosopher 2': receive from channel 'fork 3'",
                "'philosopher 3': receive from channel 'fork 4'",
                "'philosopher 4': receive from channel 'fork 0'",
            ])
    }

    @Test("Philosophers who take the lower fork first all eat")
    func philosophersWhoTakeTheLowerForkFirstDine() throws {
        let (deadlock, meals) = try dine { (first: min($0, ($0 + 1) % 5), second: max($0, ($0 + 1) % 5)) }
        #expect(deadlock == nil)
        #expect(meals == 15)
    }

    // MARK: No deadlock

    /// Makes the reactor take turns while all its tasks wait; each turn looks for a deadlock. For another thread.
    private func watchIdleTurns(of reactor: Reactor) {
        let turns = Recorder<Int>()
        for turn in 1...10 {
            reactor.post { turns.record(turn) }
            #expect(spin { turns.values.count == turn })
        }
    }

    @Test("A sleeping task is not a deadlock")
    func aSleepingTaskCanWakeTheOthers() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        let channel = Channel<Int>()
        let received = try reactor.run {
            reactor.spawn {
                try await sleep(for: .seconds(60))
                try await channel.send(1)
            }
            onOwnThread {
                watchIdleTurns(of: reactor)
                clock.advance(by: .seconds(60))
            }
            return try await channel.receive()
        }
        #expect(received == 1)
    }

    @Test("A wait with a deadline is not a deadlock")
    func aDeadlineEndsAWait() throws {
        let clock = ManualReactorClock()
        let reactor = try Reactor(clock: clock)
        try reactor.run {
            onOwnThread {
                watchIdleTurns(of: reactor)
                clock.advance(by: .seconds(60))
            }
            let error = await failure { _ = try await Channel<Int>().receive(timeout: .seconds(60)) }
            #expect(error?.code == .timedOut)
        }
    }

    @Test("No deadlock is reported while the reactor is held")
    func whatIsHeldCanBeWokenFromOutside() throws {
        let reactor = try Reactor()
        let channel = Channel<Int>()
        let received = try reactor.run {
            reactor.hold()
            defer { reactor.release() }
            onOwnThread {
                watchIdleTurns(of: reactor)
                _ = try? channel.trySend(1)
            }
            return try await channel.receive()
        }
        #expect(received == 1)
    }

    @Test("A deadlock is reported once the hold is released")
    func whatIsHeldNoLongerIsReported() throws {
        let reactor = try Reactor()
        let deadlock = try deadlock(of: reactor) {
            reactor.hold()
            reactor.hold()
            reactor.release()
            onOwnThread {
                watchIdleTurns(of: reactor)
                reactor.release()
            }
            _ = try await Channel<Int>(name: "jobs").receive()
        }
        #expect(deadlock?.tasks == ["'main': receive from channel 'jobs'"])
    }

    @Test("No deadlock is reported while a task can run")
    func aTaskThatRunsIsNoPartOfADeadlock() throws {
        let reactor = try Reactor()
        let channel = Channel<Int>()
        let received = try reactor.run {
            reactor.spawn {
                for _ in 0..<3 * Reactor.jobsPerTurn { await Task.yield() }
                try await channel.send(1)
            }
            return try await channel.receive()
        }
        #expect(received == 1)
    }

    @Test("A child task can wake its parent")
    func aChildTaskOfATaskCanWakeIt() throws {
        let reactor = try Reactor()
        let channel = Channel<Int>()
        let received = try reactor.run {
            async let received = channel.receive()
            try await channel.send(1)
            return try await received
        }
        #expect(received == 1)
    }

    @Test("A started reactor does not look for deadlocks")
    func aStartedReactorLooksForNone() async throws {
        let channel = Channel<Int>()
        try await withStartedReactor { reactor in
            let receiver = reactor.spawn { try await channel.receive() }
            try await untilParked(1, on: channel)
            try await channel.send(1)
            #expect(try await receiver.join() == 1)
        }
    }
}
