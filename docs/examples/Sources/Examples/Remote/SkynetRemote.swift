// Skynet over TCP: ten clients share a tree of ten thousand leaves. Each leaf sends its number to the channel of its
// parent, and each parent the sum of the ten numbers that it receives: 11 110 messages, each taken before its sender
// continues.
//
//     make example NAME=skynet-remote
//
// skynet does the same with a million leaves within a process.

import SluiceClient

func skynetRemote() async throws {
    let leaves = 10_000
    try await withThrowingTaskGroup { group in
        for child in 0..<10 {
            group.addTask {
                try await withClient(daemonAddress) { client in
                    let each = leaves / 10
                    try await node(from: child * each, leaves: each, reportingTo: "skynet", client)
                }
            }
        }
        let sum = try await withClient(daemonAddress) { try await sumOfTen(on: "skynet", $0) }
        try await group.waitForAll()
        print("the sum of 0..<\(leaves) is \(sum)")
    }
}

private func node(from first: Int, leaves: Int, reportingTo parent: String, _ client: Client) async throws {
    guard leaves > 1 else {
        try await client.channel(parent).send("\(first)")
        return
    }
    let own = "\(parent)/\(first / leaves % 10)"
    try await withThrowingTaskGroup { group in
        let each = leaves / 10
        for child in 0..<10 {
            group.addTask { try await node(from: first + child * each, leaves: each, reportingTo: own, client) }
        }
        let sum = try await sumOfTen(on: own, client)
        try await group.waitForAll()
        try await client.channel(parent).send("\(sum)")
    }
}

private func sumOfTen(on channel: String, _ client: Client) async throws -> Int {
    var sum = 0
    for _ in 0..<10 { sum += try await client.channel(channel).receive()?.number ?? 0 }
    return sum
}
