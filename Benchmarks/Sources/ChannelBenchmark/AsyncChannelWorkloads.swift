import AsyncAlgorithms

/// swift-async-algorithms' rendezvous channel between unstructured Swift tasks.
struct AsyncChannelWorkloads: ChannelWorkloads {
    /// The executor of the tasks; nil for Swift's default pool, with a thread for each core.
    let executor: (any TaskExecutor)?

    @discardableResult
    private func spawn(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: executor) { await body() }
    }

    func pingPong(_ count: Int) async throws -> Duration {
        let ping = AsyncChannel<Int>()
        let pong = AsyncChannel<Int>()
        let echo = spawn {
            for await value in ping { await pong.send(value + 1) }
        }
        var replies = pong.makeAsyncIterator()
        let begin = ContinuousClock.now
        var value = 0
        for _ in 0..<count / 2 {
            await ping.send(value)
            value = await replies.next() ?? 0
        }
        let elapsed = ContinuousClock.now - begin
        ping.finish()
        await echo.value
        try expect(value, count / 2)
        return elapsed
    }

    func oneWay(_ count: Int) async throws -> Duration {
        let channel = AsyncChannel<Int>()
        let begin = ContinuousClock.now
        spawn {
            for value in 0..<count { await channel.send(value) }
            channel.finish()
        }
        var sum = 0
        for await value in channel { sum += value }
        let elapsed = ContinuousClock.now - begin
        try expect(sum, count * (count - 1) / 2)
        return elapsed
    }

    /// The library has no select: its `merge` reads ahead from every channel and cannot send.
    func selectOf2(_ count: Int) -> Duration? { nil }
    func selectOf8(_ count: Int) -> Duration? { nil }

    func semaphore(_ count: Int) async throws -> Duration? { nil }

    func mutex(_ count: Int) async throws -> Duration? { nil }

    func barrier(_ count: Int) async throws -> Duration? { nil }

    func spawnJoin(_ count: Int) async -> Duration {
        let begin = ContinuousClock.now
        for _ in 0..<count { await spawn {}.value }
        return ContinuousClock.now - begin
    }

    func spawnBatch(_ count: Int, batch: Int) async -> Duration {
        let begin = ContinuousClock.now
        for _ in 0..<count / batch {
            let tasks = (0..<batch).map { _ in spawn {} }
            for task in tasks { await task.value }
        }
        return ContinuousClock.now - begin
    }

    func spawnPark(_ count: Int, batch: Int) async -> Duration {
        var elapsed = Duration.zero
        for _ in 0..<count / batch {
            let begin = ContinuousClock.now
            let tasks = ParkedTasks(on: AsyncChannel<Int>())
            await park(batch, tasks)
            elapsed += ContinuousClock.now - begin
            await release(batch, tasks)
        }
        return elapsed
    }

    func parkedBytes(_ count: Int) async -> Int {
        let tasks = ParkedTasks(on: AsyncChannel<Int>())
        let before = residentBytes()
        await park(count, tasks)
        let after = residentBytes()
        await release(count, tasks)
        return after - before
    }

    func sieve(_ count: Int) async -> (prime: Int, elapsed: Duration) {
        let begin = ContinuousClock.now
        var source = AsyncChannel<Int>()
        spawn { [source] in
            for number in 2... { await source.send(number) }
        }
        var prime = 0
        for _ in 0..<count {
            var numbers = source.makeAsyncIterator()
            prime = await numbers.next() ?? 0
            let filtered = AsyncChannel<Int>()
            spawn { [source, prime] in
                for await number in source where !number.isMultiple(of: prime) { await filtered.send(number) }
            }
            source = filtered
        }
        return (prime, ContinuousClock.now - begin)
    }

    /// Starts `count` tasks, and returns when each has run up to its receive.
    private func park(_ count: Int, _ tasks: ParkedTasks<AsyncChannel<Int>>) async {
        for _ in 0..<count {
            spawn {
                tasks.countStart()
                for await _ in tasks.channel {}
                tasks.countEnd()
            }
        }
        await tasks.untilStarted(count)
    }

    private func release(_ count: Int, _ tasks: ParkedTasks<AsyncChannel<Int>>) async {
        tasks.channel.finish()
        await tasks.untilEnded(count)
    }
}
