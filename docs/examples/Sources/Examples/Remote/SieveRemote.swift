// The concurrent sieve of Eratosthenes over TCP: a connection for each prime, and named channels between them. The
// filters could run on different machines; here they are tasks, each of which knows only the daemon's address and two
// names.
//
//     make example NAME=sieve-remote
//
// sieve does the same within a process.

import SluiceClient

func sieveRemote() async throws {
    try await withThrowingTaskGroup { group in
        group.addTask { try await count(upTo: 2000, to: "past/1") }
        try await withClient(daemonAddress) { client in
            var name = "past/1"
            while let prime = try await client.channel(name).receive()?.number {
                print(prime)
                let (from, to) = (name, "past/\(prime)")
                group.addTask { try await filter(prime, from: from, to: to) }
                name = to
            }
        }
        try await group.waitForAll()
    }
}

private func count(upTo limit: Int, to name: String) async throws {
    try await withClient(daemonAddress) { client in
        let numbers = try client.channel(name)
        for number in 2...limit { try await numbers.send("\(number)") }
        try await numbers.close()
    }
}

private func filter(_ prime: Int, from: String, to: String) async throws {
    try await withClient(daemonAddress) { client in
        let rest = try client.channel(to)
        for try await message in try client.channel(from) where message.number?.isMultiple(of: prime) == false {
            try await rest.send(message.bytes)
        }
        try await rest.close()
    }
}
