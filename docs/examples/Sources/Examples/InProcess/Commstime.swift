// Commstime, the benchmark of occam, JCSP and PyCSP: four processes in a circle that count. `prefix` sends a 0 first,
// `delta` sends each number on and copies it to the consumer, `successor` adds 1.
//
//     make example NAME=commstime
//
//     prefix -> delta -> consumer
//        ^        |
//        +- successor
//
// Prints the numbers on standard output and the cost of a channel operation on standard error. commstime-remote does
// the same over TCP.

import SluiceRuntime

func commstime() throws {
    let rounds = 100_000
    try Reactor().run {
        let begun = Channel<Int>(name: "begun")
        let counted = Channel<Int>(name: "counted")
        let copied = Channel<Int>(name: "copied")
        let increased = Channel<Int>(name: "increased")

        try await withNursery("commstime") { nursery in
            nursery.spawn("prefix") {
                try await begun.send(0)
                for try await number in increased { try await begun.send(number) }
            }
            nursery.spawn("delta") {
                for try await number in begun {
                    try await counted.send(number)
                    try await copied.send(number)
                }
            }
            nursery.spawn("successor") {
                for try await number in copied { try await increased.send(number + 1) }
            }

            let start = ContinuousClock.now
            var sum = 0
            for round in 0..<rounds {
                guard let number = try await counted.receive() else { break }
                if round < 5 { print(number) }
                sum += number
            }
            report(ContinuousClock.now - start, for: 4 * rounds)
            print("...\nthe sum of \(rounds) numbers is \(sum)")
            // The other three would run for ever.
            nursery.cancel()
        }
    }
}
