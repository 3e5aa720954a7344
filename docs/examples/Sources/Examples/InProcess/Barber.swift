// The sleeping barber (Dijkstra 1965). The waiting room is a channel that keeps three messages. A customer who finds it
// full goes away: `trySend` returns false. Nobody has to wake the barber, who sleeps in `receive`.
//
//     make example NAME=barber
//
// In barber-remote the barber and the customers are clients of the daemon.

import SluiceRuntime

private struct Customer: Sendable {
    let name: String
    /// The barber sends on this channel when the hair is cut.
    let isDone = Channel<Void>()
}

func barber() throws {
    let reactor = try Reactor()
    try reactor.run {
        let chairs = Channel<Customer>(.buffered(capacity: 3), name: "waiting room")
        let barber = reactor.spawn("barber") {
            var served = 0
            for try await customer in chairs {
                print("the barber cuts \(customer.name)'s hair")
                await Task.yield()  // cutting hair takes a while
                served += 1
                try await customer.isDone.send(())
            }
            return served
        }
        // Two waves: the first fills the shop; when the second comes, the shop is empty again.
        var turnedAway = 0
        for wave in [["Ann", "Bob", "Cid", "Dan", "Eve", "Fay"], ["Gus", "Hal"]] {
            turnedAway += try await parallelMap(wave) { name in
                let customer = Customer(name: name)
                guard try chairs.trySend(customer) else {
                    print("\(name) finds no chair, and leaves")
                    return 1
                }
                try await customer.isDone.receive()
                print("\(name) goes home with short hair")
                return 0
            }.reduce(0, +)
        }
        chairs.close()
        print("served \(try await barber.value), turned away \(turnedAway)")
    }
}
