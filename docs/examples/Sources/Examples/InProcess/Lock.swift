// A lock and a semaphore, made of a channel: it keeps one permit, or several. To acquire is to receive one, to release
// is to send it back.
//
//     make example NAME=lock
//
// lock-fenced is the same among clients of the daemon, where a permit comes back even if its holder has died.

import SluiceRuntime

func lock() throws {
    try Reactor().run {
        let room = Semaphore(permits: 3)
        let pen = Semaphore(permits: 1)
        let tally = Tally()
        _ = try await parallelMap(1...10) { guest in
            try await room.withPermit {
                tally.enter()
                await Task.yield()
                try await pen.withPermit { tally.sign(guest) }
                tally.leave()
            }
        }
        print("guests in the order of the book: \(tally.book)")
        print("at most \(tally.most) were in the room at once")
    }
}

private struct Semaphore: Sendable {
    private let permits: Channel<Void>

    init(permits count: Int) {
        permits = Channel(.buffered(capacity: count))
        // There is room for all of them.
        for _ in 0..<count { _ = try? permits.trySend(()) }
    }

    func withPermit<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await permits.receive()
        // There is room for what was taken.
        defer { _ = try? permits.trySend(()) }
        return try await body()
    }
}

/// What the guests do; all of them are on one thread.
private final class Tally: @unchecked Sendable {
    // Sendable: on the reactor's thread only.
    private(set) var book: [Int] = []
    private(set) var most = 0
    private var inside = 0

    func enter() {
        inside += 1
        most = max(most, inside)
    }

    func sign(_ guest: Int) { book.append(guest) }
    func leave() { inside -= 1 }
}
