// Fan-out and fan-in in three ways: a pipeline (many workers, results in order), a merge (many sources, one channel)
// and a broadcast (one source, every receiver gets every message).
//
//     make example NAME=fan
//
// In fan-remote each worker has its own connection.

import SluiceRuntime

func fan() throws {
    let reactor = try Reactor()
    try reactor.run {
        // Fan out to four workers and in again: the squares arrive in the order of the numbers.
        let squares = try pipeline(from: source(1...8, on: reactor), workers: 4) { number in
            for _ in 0..<(9 - number) { await Task.yield() }  // the first numbers take longest
            return number * number
        }
        print("pipeline:", try await collect(squares))

        // Fan in: the messages of three sources, fairly in turn.
        let merged = try merge([1...3, 11...13, 21...23].map { source($0, on: reactor) })
        print("merge:", try await collect(merged))

        // Fan out to all: both taps get every message.
        let news = try Broadcast(of: source(1...5, on: reactor))
        let (left, right) = (news.tap(name: "left"), news.tap(name: "right"))
        let (sum, product) = try await parallel(
            { try await collect(left).reduce(0, +) },
            { try await collect(right).reduce(1, *) })
        print("broadcast: the sum is \(sum), the product \(product)")
    }
}

/// Returns a channel on which a task sends the numbers.
private func source(_ numbers: ClosedRange<Int>, on reactor: Reactor) -> Channel<Int> {
    let channel = Channel<Int>(name: "\(numbers)")
    reactor.spawn("source \(numbers)") {
        for number in numbers { try await channel.send(number) }
        channel.close()
    }
    return channel
}

private func collect(_ source: some MessageSource<Int>) async throws -> [Int] {
    var all: [Int] = []
    for try await number in source { all.append(number) }
    return all
}
