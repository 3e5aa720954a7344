import TestSupport
import Testing

@testable import SluiceRuntime

/// Tasks whose operations never wait. Each test ends only if timers and other tasks have their turns meanwhile.
@Suite(.bounded) struct BusyTaskTests {
    /// What a task does again and again.
    enum Work: CaseIterable {
        case sendAndReceive
        case selectWithOtherwise
        case selectOnOwnBuffer
        case receiveFromClosed
        case receiveValueForAll
        case sendOnNewChannel

        func perform(_ state: State) async throws {
            switch self {
            case .sendAndReceive:
                try await state.buffer.send(1)
                _ = try await state.buffer.receive()
            case .selectWithOtherwise:
                try await select {
                    state.silent.receiving { _ in }
                    otherwise {}
                }
            case .selectOnOwnBuffer:
                try await select {
                    state.buffer.sending(1) {}
                    state.buffer.receiving { _ in }
                }
            case .receiveFromClosed: _ = try await state.closed.receive()
            case .receiveValueForAll: _ = try await state.once.receive()
            case .sendOnNewChannel: try await Channel<Int>(.unbounded).send(1)
            }
        }
    }

    final class State: Sendable {
        let buffer = Channel<Int>(.buffered(capacity: 1))
        let silent = Channel<Int>()
        let closed = Channel<Int>()
        let once = Channel<Int>(.once)

        init() throws {
            closed.close()
            _ = try once.trySend(1)
        }
    }

    @Test("A task whose operations never wait starves neither timers nor other tasks", arguments: Work.allCases)
    func aBusyTask(_ work: Work) throws {
        let state = try State()
        let reactor = try Reactor()
        try reactor.run {
            let busy = reactor.spawn("busy") {
                while true { try await work.perform(state) }
            }
            try await sleep(for: .milliseconds(1))
            for _ in 0..<3 { await Task.yield() }
            busy.cancel()
        }
    }

    @Test("A child task whose operations never wait starves nobody", arguments: Work.allCases)
    func aBusyChildTask(_ work: Work) throws {
        let state = try State()
        try Reactor().run {
            async let _: Void = {
                while true { try await work.perform(state) }
            }()
            // The task is cancelled at the end of its scope.
            try await sleep(for: .milliseconds(1))
        }
    }

    @Test("A task whose operations never wait does not starve sockets")
    func sockets() throws {
        let state = try State()
        let reactor = try Reactor()
        try reactor.run {
            let busy = reactor.spawn("busy") {
                while true { try await Work.sendAndReceive.perform(state) }
            }
            try await turn(of: reactor)
            busy.cancel()
        }
    }

    @Test("A cancelled task whose operations never wait ends with an error", arguments: Work.allCases)
    func cancellation(_ work: Work) throws {
        let state = try State()
        let reactor = try Reactor()
        try reactor.run {
            let busy = reactor.spawn("busy") { while true { try await work.perform(state) } }
            await Task.yield()
            busy.cancel()
            #expect(await failure(of: { try await busy.join() })?.code == .cancelled)
            #expect(
                await failure(of: {
                    try await withTimeout(.milliseconds(1)) { while true { try await work.perform(state) } }
                })?
                .code == .timedOut)
        }
    }

    @Test("A loop that gives way loses and repeats no message")
    func nothingIsLost() throws {
        let count = 3 * Reactor.workPerTurn
        let reactor = try Reactor()
        let received = try reactor.run {
            let channel = Channel<Int>(.unbounded)
            for number in 0..<count { try await channel.send(number) }
            channel.close()
            var received: [Int] = []
            for try await number in channel { received.append(number) }
            return received
        }
        #expect(received == Array(0..<count))
    }
}
