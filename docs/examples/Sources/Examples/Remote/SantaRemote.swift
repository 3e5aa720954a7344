// The Santa Claus problem with barriers of the daemon. Santa is the tenth party at the barrier of the nine reindeer and
// the fourth at the barrier of three elves: one select waits at both, with the reindeer first.
//
//     make example NAME=santa-remote
//
// santa does the same within a process, without barriers.

import SluiceClient

func santaRemote() async throws {
    try await withClient(daemonAddress) { client in
        try await client.openStudy(chairs: 3)
        try await withThrowingTaskGroup { group in
            for _ in 1...9 { group.addTask { try await reindeer() } }
            for _ in 1...12 { group.addTask { try await elf() } }
            try await client.untilWaiting(9, at: "sleigh")
            try await client.untilWaiting(3, at: "study")
            print("Santa wakes up, and everybody is there")
            for _ in 1...5 {
                try await client.select(order: .first) {
                    try client.meeting(at: "sleigh", parties: 10) {
                        print("ho ho ho, the sleigh is out with 9 reindeer")
                        try await client.barrier("home", parties: 10)
                    }
                    try client.meeting(at: "study", parties: 4) {
                        print("Santa meets 3 elves in his study")
                        try await client.barrier("answered", parties: 4)
                    }
                }
            }
            try await group.waitForAll()
            print("all have gone home")
        }
    }
}

private func reindeer() async throws {
    try await withClient(daemonAddress) { client in
        try await client.barrier("sleigh", parties: 10)
        try await client.barrier("home", parties: 10)
    }
}

/// There are more elves than chairs, so an elf first takes a chair under a lease. The chair returns even if the elf
/// dies.
private func elf() async throws {
    try await withClient(daemonAddress) { client in
        guard let chair = try await client.channel("chairs").receive(lease: .seconds(60)) else { return }
        try await client.barrier("study", parties: 4)
        try await client.barrier("answered", parties: 4)
        try await chair.nack()
    }
}

extension Client {
    fileprivate func openStudy(chairs count: Int) async throws {
        let chairs = try channel("chairs")
        try await chairs.open(.queue(capacity: count))
        for _ in 1...count { try await chairs.send("a chair") }
    }

    /// Asks repeatedly until that many clients wait at a barrier.
    fileprivate func untilWaiting(_ count: Int, at barrier: String) async throws {
        while try await waitersReport(channel: barrier).waiters.count < count {}
    }
}
