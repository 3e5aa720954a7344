// A token ring over TCP: each node is a client, which waits on a channel of its own for a number, and passes it on to the
// next one's, one less. Who gets the 0 says so.
//
//     make example NAME=ring-remote
//
// See ring for the same within a process.

import SluiceClient

func ringRemote() async throws {
    let (size, passes) = (53, 5000)
    try await withThrowingTaskGroup { group in
        for number in 1...size {
            group.addTask { try await node(number, next: number % size + 1) }
        }
        try await withClient(daemonAddress) { client in
            try await client.channel("ring/1").send("\(passes)")
            let winner = try await client.channel("winner").receive()
            print("after \(passes) passes node \(winner?.text ?? "?") has the token")
            // A node that finds its channel closed closes the next one.
            try await client.channel("ring/1").close()
        }
        try await group.waitForAll()
    }
}

private func node(_ number: Int, next: Int) async throws {
    try await withClient(daemonAddress) { client in
        let after = try client.channel("ring/\(next)")
        for try await message in try client.channel("ring/\(number)") {
            if let token = message.number, token > 0 {
                try await after.send("\(token - 1)")
            } else {
                try await client.channel("winner").send("\(number)")
            }
        }
        try await after.close()
    }
}
