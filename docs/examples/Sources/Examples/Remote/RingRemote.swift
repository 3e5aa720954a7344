// A token ring over TCP: each node is a client that receives a number on its own channel, subtracts 1 and sends it on
// the channel of the next node. The node that gets 0 prints its own number.
//
//     make example NAME=ring-remote
//
// ring does the same within a process.

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
            // A node whose channel is closed closes the next channel.
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
