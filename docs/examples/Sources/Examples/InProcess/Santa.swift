// The Santa Claus problem (Trono 1994). Santa sleeps until all nine reindeer are back or three of ten elves want to ask
// him something. When both groups are complete, the reindeer come first.
//
//     make example NAME=santa
//
// A stable or a workshop gathers a group, then knocks; Santa answers knocks in order of priority. In santa-remote the
// groups are barriers, and Santa selects between them.

import SluiceRuntime

func santa() throws {
    let reactor = try Reactor()
    try reactor.run {
        let reindeer = Gathering("reindeer", of: 9)
        let elves = Gathering("elves", of: 3)
        for number in 1...9 {
            reactor.spawn("reindeer \(number)") { while true { try await reindeer.join(number) } }
        }
        for number in 1...10 {
            reactor.spawn("elf \(number)") { while true { try await elves.join(number) } }
        }
        for gathering in [reindeer, elves] { reactor.spawn(gathering.name) { try await gathering.gather() } }

        for _ in 1...3 { await Task.yield() }  // both groups are at the door before Santa wakes
        for _ in 1...6 {
            try await select(order: .first) {
                reindeer.knock.receiving { members in
                    print("ho ho ho, the sleigh is out with \(members?.count ?? 0) reindeer")
                    try await reindeer.release(members ?? [])
                }
                elves.knock.receiving { members in
                    print("Santa meets \(members?.count ?? 0) elves in his study")
                    try await elves.release(members ?? [])
                }
            }
        }
    }
}

/// A group that meets Santa when it is complete.
private struct Gathering: Sendable {
    let name: String
    let size: Int
    let door: Channel<Int>
    let knock: Channel<[Int]>
    let thanks: Channel<Void>

    init(_ name: String, of size: Int) {
        self.name = name
        self.size = size
        door = Channel(name: "door of the \(name)")
        knock = Channel(name: "knock of the \(name)")
        thanks = Channel(name: "thanks to the \(name)")
    }

    func gather() async throws {
        var members: [Int] = []
        for try await member in door {
            members.append(member)
            if members.count == size {
                try await knock.send(members)
                members = []
            }
        }
    }

    /// Joins the group as a member. Returns when Santa has met it.
    func join(_ number: Int) async throws {
        try await door.send(number)
        try await thanks.receive()
    }

    /// Releases all members, as Santa.
    func release(_ members: [Int]) async throws {
        for _ in members { try await thanks.send(()) }
    }
}
