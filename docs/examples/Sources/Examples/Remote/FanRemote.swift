// Fan-out and fan-in through the daemon: a source, workers with their own connections, and a collector. In two ways:
// each message for one worker, under a lease, and each message for all workers.
//
//     make example NAME=fan-remote
//
// fan does the same within a process.

import SluiceClient

func fanRemote() async throws {
    try await withClient(daemonAddress) { client in
        try await spread(client)
        try await announce(client)
    }
}

/// Each number is for one of three workers. A send returns when a worker has acknowledged the number, so all numbers
/// are done when all sends have returned, and no number is lost with a worker that dies.
private func spread(_ client: Client) async throws {
    try await withThrowingTaskGroup { group in
        for _ in 1...3 { group.addTask { try await square() } }
        group.addTask { [numbers = try client.channel("numbers")] in
            try await withThrowingTaskGroup { sends in
                for number in 1...20 { sends.addTask { _ = try await numbers.send("\(number)") } }
                try await sends.waitForAll()
            }
            try await numbers.close()
        }
        var squares: [Int] = []
        for _ in 1...20 { squares.append(try await client.channel("squares").receive()?.number ?? 0) }
        try await group.waitForAll()
        print("squares: \(squares.sorted())")
    }
}

private func square() async throws {
    try await withClient(daemonAddress) { client in
        let squares = try client.channel("squares")
        for try await delivery in try client.channel("numbers").deliveries(lease: .seconds(60), window: 4) {
            let number = delivery.message.number ?? 0
            try await squares.send("\(number * number)")
            try await delivery.acknowledge()
        }
    }
}

/// Each message is for every worker: one computes the sum, the other the product of the same numbers.
private func announce(_ client: Client) async throws {
    let news = try client.channel("news")
    try await news.open(.broadcast)
    try await withThrowingTaskGroup(of: String.self) { group in
        group.addTask { "the sum is \(try await listen { $0.reduce(0, +) })" }
        group.addTask { "the product is \(try await listen { $0.reduce(1, *) })" }
        for number in 1...5 { try await news.broadcast(Array("\(number)".utf8), toAtLeast: 2) }
        try await news.close()
        var lines: [String] = []
        for try await line in group { lines.append(line) }
        print(lines.sorted().joined(separator: "\n"))
    }
}

private func listen(_ body: ([Int]) -> Int) async throws -> Int {
    try await withClient(daemonAddress) { client in
        let news = try client.channel("news")
        // A client that has joined misses no message between two receives.
        try await news.join(.receiving)
        var numbers: [Int] = []
        for try await message in news { numbers.append(message.number ?? 0) }
        return body(numbers)
    }
}
