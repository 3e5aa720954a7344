// The sleeping barber, who is a client, as his customers are. The waiting room is a channel that the daemon keeps three
// messages of; who finds it full is told so, and goes away. A customer's name is also that of the channel on which the
// customer waits for the end of it.
//
//     make example NAME=barber-remote
//
// See barber for the same within a process.

import SluiceClient

func barberRemote() async throws {
    try await withClient(daemonAddress) { street in
        let chairs = try street.channel("waiting-room")
        try await chairs.open(.queue(capacity: 3))
        // The barber is not there yet, so nobody is called from the waiting room.
        var customers: [String] = []
        for name in ["Ann", "Bob", "Cid", "Dan"] {
            if try await chairs.trySend(name) {
                customers.append(name)
            } else {
                print("\(name) finds no chair, and leaves")
            }
        }
        try await withThrowingTaskGroup { group in
            group.addTask { try await work() }
            for name in customers {
                _ = try await street.channel("customers/\(name)").receive()
                print("\(name) goes home with short hair")
            }
            // Whoever comes now wakes the barber up.
            try await chairs.send("Eve")
            _ = try await street.channel("customers/Eve").receive()
            print("Eve goes home with short hair")
            try await chairs.close()
            try await group.waitForAll()
        }
    }
}

private func work() async throws {
    try await withClient(daemonAddress) { client in
        var served = 0
        for try await customer in try client.channel("waiting-room") {
            // The hair is cut; he does not call the next one before this one has gone.
            try await client.channel("customers/\(customer.text)").send("done")
            served += 1
        }
        print("the barber has served \(served), and goes home too")
    }
}
