// A token ring: 503 tasks in a circle pass a number on and subtract 1 each time. The task that gets 0 prints its own
// number. (The thread ring of the Computer Language Benchmarks Game; for 50 000 000 the answer is 292.)
//
//     make example NAME=ring
//
// ring-remote passes the token over TCP.

import SluiceRuntime

func ring() throws {
    let size = 503
    let passes = 1_000_000
    let reactor = try Reactor()
    try reactor.run {
        let links = (1...size).map { Channel<Int>(name: "to node \($0)") }
        let winner = Channel<Int>(name: "winner")
        for node in 1...size {
            let (from, to) = (links[node - 1], links[node % size])
            reactor.spawn("node \(node)") {
                for try await token in from {
                    if token > 0 { try await to.send(token - 1) } else { try await winner.send(node) }
                }
            }
        }
        try await links[0].send(passes)
        print("after \(passes) passes node \(try await winner.receive() ?? 0) has the token")
    }
}
