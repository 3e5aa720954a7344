// Commstime over TCP: each of its four processes is a client with its own connection.
//
//     make example NAME=commstime-remote
//
// commstime does the same within a process. Here each message goes through the daemon, which takes about a hundred
// times as long; the time is on standard error.

import SluiceClient

func commstimeRemote() async throws {
    let rounds = 2000
    try await withThrowingTaskGroup { group in
        group.addTask {
            try await process { client in
                let begun = try client.channel("begun")
                try await begun.send("0")
                for try await number in try client.channel("increased") { try await begun.send(number.bytes) }
            }
        }
        group.addTask {
            try await process { client in
                let (counted, copied) = (try client.channel("counted"), try client.channel("copied"))
                for try await number in try client.channel("begun") {
                    try await counted.send(number.bytes)
                    try await copied.send(number.bytes)
                }
            }
        }
        group.addTask {
            try await process { client in
                let increased = try client.channel("increased")
                for try await message in try client.channel("copied") {
                    try await increased.send("\((message.number ?? 0) + 1)")
                }
            }
        }
        try await withClient(daemonAddress) { client in
            let counted = try client.channel("counted")
            let start = ContinuousClock.now
            var sum = 0
            for round in 0..<rounds {
                guard let number = try await counted.receive()?.number else { break }
                if round < 5 { print(number) }
                sum += number
            }
            report(ContinuousClock.now - start, for: 4 * rounds)
            print("...\nthe sum of \(rounds) numbers is \(sum)")
            // The poison spreads from channel to channel: see `process`.
            try await counted.poison(reason: "that is enough")
        }
        try await group.waitForAll()
    }
}

/// Runs a process until one of its channels is poisoned, then poisons the others.
private func process(_ body: @Sendable (Client) async throws -> Void) async throws {
    try await withClient(daemonAddress) { client in
        do {
            try await body(client)
        } catch let error as SluiceError where error.code == .poisoned {
            for name in ["begun", "copied", "increased"] {
                try await client.channel(name).poison(reason: error.message)
            }
        }
    }
}
