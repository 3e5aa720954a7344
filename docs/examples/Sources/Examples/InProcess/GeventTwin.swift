// The twin of a program for gevent, python/gevent-original.py. It has the same statements in the same order and prints
// the same.
//
//     make example NAME=gevent-twin          runs this program
//     make example NAME=gevent-original      runs the one for gevent

import SluiceRuntime

func geventTwin() throws {
    let reactor = try Reactor()
    try reactor.run {
        // Two green tasks and a queue that holds two messages.
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

        // A channel: send waits until another task receives.
        let counter = Channel<String>()
        let customer = reactor.spawn { "paid with " + (try await counter.receive() ?? "nothing") }
        try await counter.send("a coin")
        print(try await customer.value)

        // A result that several tasks wait for.
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
