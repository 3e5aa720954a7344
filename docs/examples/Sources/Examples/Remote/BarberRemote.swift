// The sleeping barber with clients: the barber and each customer have a connection. The waiting room is a channel for
// which the daemon keeps three messages; a customer who finds it full (`trySend` returns false) goes away. A customer
// waits for the end of the haircut on a channel named after the customer.
//
//     make example NAME=barber-remote
//
// barber does the same within a process.

import SluiceClient

func barberRemote() async throws {
    try await withClient(daemonAddress) { street in
        let chairs = try street.channel("waiting-room")
        try await chairs.open(.queue(capacity: 3))
        // The barber has not come yet, so the customers stay in the waiting room.
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
            // The next customer wakes the barber.
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
            // The hair is cut. The barber calls the next customer only when this one has gone.
            try await client.channel("customers/\(customer.text)").send("done")
            served += 1
        }
        print("the barber has served \(served), and goes home too")
    }
}
