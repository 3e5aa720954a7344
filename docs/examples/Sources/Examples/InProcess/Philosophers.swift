// The dining philosophers (Dijkstra 1965). A fork is a channel that keeps one message: to take the fork is to receive
// it, to put it back is to send it.
//
//     make example NAME=philosophers
//
// When everybody takes the fork at the left first, all wait for the other one, for ever: `run` throws a `Deadlock` that
// says so. When forks are taken in one order, the last philosopher begins at the right, and all of them dine.
// philosophers-stuck asks the daemon about the same.

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

/// - Parameter order: the two forks of a seat, the one to be taken first in front.
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
                        await Task.yield()  // the others are as quick
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
