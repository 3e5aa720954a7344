import Glibc
import TestSupport
import Testing

@testable import SluiceRuntime

@Suite(.bounded) struct CancellationTests {
    enum Wait: CaseIterable, Sendable {
        case receive, send, select, selectWithDeadline, receiveWithDeadline, sleep, join, read, write, accept, signal

        func perform(on reactor: Reactor, _ idle: GreenTask<Void>) async throws {
            switch self {
            case .receive: _ = try await Channel<Int>().receive()
            case .receiveWithDeadline: _ = try await Channel<Int>().receive(timeout: .seconds(3600))
            case .send: try await Channel<Int>().send(1)
            case .select: try await SluiceRuntime.select { Channel<Int>().receiving { _ in } }
            case .selectWithDeadline:
                try await SluiceRuntime.select {
                    Channel<Int>().receiving { _ in }
                    after(.seconds(3600)) {}
                }
            case .sleep: try await SluiceRuntime.sleep(for: .seconds(3600))
            case .join: try await idle.join()
            case .read:
                let (near, far) = try Stream.pair(on: reactor)
                _ = try await near.read(upTo: 1)
                far.close()
            case .write:
                let (near, far) = try Stream.pair(on: reactor)
                while true { try await near.write([UInt8](repeating: 0, count: 65536)) }
                far.close()
            case .accept:
                let listener = try Listener.bind(to: .ipv4(0x7f00_0001, port: 0), on: reactor)
                _ = try await listener.accept()
            case .signal:
                let signals = try reactor.signals(SIGCONT)
                defer { signals.close() }
                _ = try await signals.next()
            }
        }
    }

    @Test("Cancellation ends every kind of wait", arguments: Wait.allCases)
    func everyWaitIsCutShort(wait: Wait) throws {
        let reactor = try Reactor()
        try reactor.run {
            let idle = reactor.spawn("idle") { _ = try await Channel<Int>().receive() }
            let waiter = reactor.spawn("waiter") { try await wait.perform(on: reactor, idle) }
            try await parked([idle, waiter])
            waiter.cancel()
            #expect(await failure { try await waiter.join() }?.code == .cancelled)
            #expect(idle.outcome == nil)
        }
        #expect(reactor.tasks.count == 0)
        #expect(reactor.tasks.parkedCount == 0)
    }

    @Test("No wait begins in a task that was cancelled before its start", arguments: Wait.allCases)
    func noWaitBeginsInATaskThatWasCancelledBeforeItsStart(wait: Wait) throws {
        let reactor = try Reactor()
        try reactor.run {
            let idle = reactor.spawn("idle") { _ = try await Channel<Int>().receive() }
            let waiter = reactor.spawn("waiter") { try await wait.perform(on: reactor, idle) }
            waiter.cancel()
            #expect(await failure { try await waiter.join() }?.code == .cancelled)
        }
        #expect(reactor.tasks.parkedCount == 0)
    }

    @Test("A task that was cancelled before its start still runs")
    func aTaskThatWasCancelledBeforeItsStartStillRuns() throws {
        let reactor = try Reactor()
        try reactor.run {
            let task = reactor.spawn { Task.isCancelled }
            task.cancel()
            let isCancelled = try await task.join()
            #expect(isCancelled)
        }
    }

    @Test("A cancelled task stays cancelled, and operations that need not wait succeed")
    func cancellationStaysAndWhatNeedsNoWaitingStillHappens() throws {
        let reactor = try Reactor()
        let (idle, buffered) = (Channel<Int>(), Channel<Int>(.buffered(capacity: 1)))
        try reactor.run {
            let task = reactor.spawn {
                #expect(await failure { _ = try await idle.receive() }?.code == .cancelled)
                #expect(await failure { _ = try await idle.receive() }?.code == .cancelled)
                #expect(await failure { try await sleep(for: .zero) }?.code == .cancelled)
                #expect(Task.isCancelled)
                try await buffered.send(1)
                return try await buffered.receive()
            }
            try await parked(task)
            task.cancel()
            task.cancel()
            #expect(try await task.join() == 1)
            task.cancel()
        }
    }

    @Test("Child tasks are cancelled with their task")
    func childTasksAreCancelledWithTheirTask() throws {
        let reactor = try Reactor()
        let channel = Channel<Int>()
        try reactor.run {
            let task = reactor.spawn {
                await withTaskGroup(of: SluiceError.Code?.self) { group in
                    for _ in 0..<3 { group.addTask { await failure { _ = try await channel.receive() }?.code } }
                    return await group.reduce(into: []) { $0.append($1) }
                }
            }
            try await untilParked(3, on: channel)
            task.cancel()
            let codes = try await task.join()
            #expect(codes == [.cancelled, .cancelled, .cancelled])
        }
        #expect(channel.parkedCount == 0)
    }

    @Test("Tasks can be cancelled from other threads")
    func tasksAreCancelledFromOtherThreads() async throws {
        let channel = Channel<Int>()
        try await withStartedReactor { reactor in
            let tasks = (0..<100).map { _ in reactor.spawn { _ = try await channel.receive() } }
            await withTaskGroup { group in
                for task in tasks { group.addTask { task.cancel() } }
            }
            for task in tasks { #expect(await failure { try await task.join() }?.code == .cancelled) }
        }
        #expect(channel.parkedCount == 0)
    }

    @Test("A sleep off the reactors is cancelled")
    func aSleepOffTheReactorIsCancelled() async {
        let sleeper = Task { try await sleep(for: .seconds(3600)) }
        sleeper.cancel()
        #expect(await failure { try await sleeper.value }?.code == .cancelled)
    }
}
