// Skynet: a task starts ten tasks, each of which starts ten, down to a million. Each leaf sends its number up, and each
// other task the sum of the ten numbers that it receives. 1 111 111 green tasks on one thread.
//
//     make example NAME=skynet
//
// The two upper levels start one child after the other, so that 11 000 tasks are alive at a time. Starting all of them
// at once works as well and takes 2.6 GB.

import SluiceRuntime

func skynet() throws {
    let reactor = try Reactor()
    let start = ContinuousClock.now
    let sum = try reactor.run {
        let result = Channel<Int>()
        reactor.spawn { try await node(from: 0, leaves: 1_000_000, result, reactor) }
        return try await result.receive() ?? 0
    }
    note("\(ContinuousClock.now - start)")
    print("the sum of 0..<1000000 is \(sum)")
}

private func node(from first: Int, leaves: Int, _ result: Channel<Int>, _ reactor: Reactor) async throws {
    guard leaves > 1 else { return try await result.send(first) }
    let children = Channel<Int>()
    let each = leaves / 10
    var sum = 0
    for child in 0..<10 {
        reactor.spawn { try await node(from: first + child * each, leaves: each, children, reactor) }
        if leaves > 10_000 { sum += try await children.receive() ?? 0 }
    }
    if leaves <= 10_000 {
        for _ in 0..<10 { sum += try await children.receive() ?? 0 }
    }
    try await result.send(sum)
}
