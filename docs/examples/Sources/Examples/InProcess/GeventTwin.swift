// A program for gevent, and its twin: python/gevent-original.py has the same statements in the same order.
//
//     make example NAME=gevent-twin      this one
//     make example NAME=gevent-original      the one for gevent

import SluiceRuntime

func geventTwin() throws {
    let reactor = try Reactor()
    try reactor.run {
        // Two green tasks and a queue with room for two.
        let stall = Channel<String>(.buffered(capacity: 2))

        @Sendable func supply() async throws {
            for fruit in ["apples", "pears", "plums"] {
                try await stall.send(fruit)
            }
            stall.close()
        }

        @Sendable func sell() async throws -> String {
            for try await fruit in stall {
                print("sold:", fruit)
            }
            return "sold out"
        }

        let supplier = reactor.spawn { try await supply() }
        let seller = reactor.spawn { try await sell() }
        print(try await seller.value)
        try await supplier.join()

        // A channel: who sends waits until somebody receives.
        let counter = Channel<String>()
        let customer = reactor.spawn { "paid with " + (try await counter.receive() ?? "nothing") }
        try await counter.send("a coin")
        print(try await customer.value)

        // A result that many wait for.
        let news = Channel<String>(.once)
        let readers = (1...3).map { _ in reactor.spawn { try await news.receive() ?? "" } }
        try await news.send("it rains")
        for reader in readers {
            print("read:", try await reader.value)
        }

        // A timeout.
        do {
            try await withTimeout(.milliseconds(10)) {
                _ = try await counter.receive()
            }
        } catch let error as SluiceError where error.code == .timedOut {
            print("nothing for 10 ms")
        }

        // Kill.
        @Sendable func dream() async throws {
            defer { print("woken up") }
            try await sleep(for: .seconds(3600))
        }

        let dreamer = reactor.spawn { try await dream() }
        await Task.yield()
        dreamer.cancel()
        _ = try? await dreamer.join()

        // A pool of two.
        let numbers = Channel<Int>(.unbounded)
        for number in 1..<5 { try await numbers.send(number) }
        numbers.close()
        for try await square in try pipeline(from: numbers, workers: 2, { number in number * number }) {
            print("squared:", square)
        }
    }
}
