// A lock and a semaphore made of a channel that keeps one permit, or several. A task acquires a permit by receiving it
// and releases it by sending it back.
//
//     make example NAME=lock
//
// lock-fenced does the same for clients of the daemon, where a permit returns even if its holder dies.

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
        // The buffer holds all of them, so no send waits.
        for _ in 0..<count { _ = try? permits.trySend(()) }
    }

    func withPermit<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await permits.receive()
        // The buffer has room for the permit that was taken out.
        defer { _ = try? permits.trySend(()) }
        return try await body()
    }
}

/// Counts the guests in the room; all of them run on one thread.
private final class Tally: @unchecked Sendable {
    // Sendable because only the reactor's thread uses it.
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
