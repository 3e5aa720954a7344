// The dining philosophers (Dijkstra 1965). A fork is a channel that keeps one message: a philosopher takes the fork by
// receiving the message and puts it back by sending it.
//
//     make example NAME=philosophers
//
// When all philosophers take the left fork first, all wait for the right one for ever, and `run` throws a `Deadlock`
// that lists them. When forks are taken in one fixed order, the last philosopher begins with the right fork, and all
// dine. philosophers-stuck asks the daemon about the same deadlock.

import SluiceRuntime

func philosophers() throws {
    print("everybody takes the left fork first:")
    do {
        try dine { seat in (seat, (seat + 1) % names.count) }
    } catch let deadlock as Deadlock {
        print(deadlock.tasks.map { "  " + $0 }.joined(separator: "\n"))
    }

    print("everybody takes the lower fork first:")
    try dine { seat in
        let next = (seat + 1) % names.count
        return (min(seat, next), max(seat, next))
    }
}

private let names = ["Plato", "Confucius", "Hypatia", "Averroes", "Spinoza"]

/// Runs a dinner of all philosophers.
///
/// - Parameter order: Returns the two forks of a seat in the order in which to take them.
private func dine(_ order: @escaping @Sendable (Int) -> (Int, Int)) throws {
    try Reactor().run {
        let forks = names.indices.map { Channel<Void>(.buffered(capacity: 1), name: "fork \($0)") }
        for fork in forks { try await fork.send(()) }
        try await withNursery("table") { nursery in
            for (seat, name) in names.enumerated() {
                let (first, second) = order(seat)
                nursery.spawn(name) {
                    for _ in 1...3 {
                        try await forks[first].receive()
                        await Task.yield()  // lets the others take their first fork
                        try await forks[second].receive()
                        try await forks[second].send(())
                        try await forks[first].send(())
                    }
                }
            }
        }
        print("  all have dined three times")
    }
}
