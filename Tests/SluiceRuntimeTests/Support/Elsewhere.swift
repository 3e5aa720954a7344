/// Waits, by no means of Sluice, until the task is cancelled.
func waitElsewhere() async throws {
    try await Elsewhere().wait()
    throw CancellationError()
}

/// A place to wait at by no means of Sluice.
struct Elsewhere: Sendable {
    private let endings: AsyncStream<Void>
    private let ending: AsyncStream<Void>.Continuation

    init() {
        (endings, ending) = AsyncStream.makeStream(of: Void.self)
    }

    /// Waits until `end`. Throws when the task is cancelled.
    func wait() async throws {
        for await _ in endings {}
        try Task.checkCancellation()
    }

    func end() { ending.finish() }

    /// Ends the waits from another thread, after the reactor has probably become idle.
    func endLater() {
        Task.detached {
            for _ in 0..<1000 { await Task.yield() }
            end()
        }
    }
}
