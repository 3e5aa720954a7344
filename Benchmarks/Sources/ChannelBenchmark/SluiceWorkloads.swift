import SluiceRuntime

/// Sluice's channels between green tasks of one reactor.
struct SluiceWorkloads: ChannelWorkloads {
    let reactor: Reactor

    func pingPong(_ count: Int) async throws -> Duration {
        let ping = Channel<Int>()
        let pong = Channel<Int>()
        let echo = reactor.spawn {
            while let value = try await ping.receive() { try await pong.send(value + 1) }
        }
        let begin = ContinuousClock.now
        var value = 0
        for _ in 0..<count / 2 {
            try await ping.send(value)
            value = try await pong.receive() ?? 0
        }
        let elapsed = ContinuousClock.now - begin
        ping.close()
        try await echo.value
        try expect(value, count / 2)
        return elapsed
    }

    func oneWay(_ count: Int) async throws -> Duration {
        let channel = Channel<Int>()
        let begin = ContinuousClock.now
        reactor.spawn {
            for value in 0..<count { try await channel.send(value) }
            channel.close()
        }
        var sum = 0
        while let value = try await channel.receive() { sum += value }
        let elapsed = ContinuousClock.now - begin
        try expect(sum, count * (count - 1) / 2)
        return elapsed
    }

    func selectOf2(_ count: Int) async throws -> Duration? {
        try await receive(count, from: 2) { channels in
            try await select {
                channels[0].receiving { $0 }
                channels[1].receiving { $0 }
            }
        }
    }

    func selectOf8(_ count: Int) async throws -> Duration? {
        try await receive(count, from: 8) { channels in
            try await select {
                channels[0].receiving { $0 }
                channels[1].receiving { $0 }
                channels[2].receiving { $0 }
                channels[3].receiving { $0 }
                channels[4].receiving { $0 }
                channels[5].receiving { $0 }
                channels[6].receiving { $0 }
                channels[7].receiving { $0 }
            }
        }
    }

    /// Times `count` calls of `choose`, while another task sends on the channels in turn.
    private func receive(
        _ count: Int, from arms: Int, choose: ([Channel<Int>]) async throws -> Int?
    ) async throws -> Duration {
        let channels = (0..<arms).map { _ in Channel<Int>() }
        let begin = ContinuousClock.now
        reactor.spawn {
            for value in 0..<count { try await channels[value % arms].send(value) }
        }
        var sum = 0
        for _ in 0..<count { sum += try await choose(channels) ?? 0 }
        let elapsed = ContinuousClock.now - begin
        try expect(sum, count * (count - 1) / 2)
        return elapsed
    }

    func semaphore(_ count: Int) async throws -> Duration? {
        let (mine, theirs) = (Semaphore(permits: 0), Semaphore(permits: 0))
        let other = reactor.spawn {
            for _ in 0..<count / 2 {
                try await theirs.acquire()
                mine.release()
            }
        }
        let begin = ContinuousClock.now
        for _ in 0..<count / 2 {
            theirs.release()
            try await mine.acquire()
        }
        let elapsed = ContinuousClock.now - begin
        try await other.value
        return elapsed
    }

    func mutex(_ count: Int) async throws -> Duration? {
        let mutex = TaskMutex()
        let begin = ContinuousClock.now
        for _ in 0..<count {
            try await mutex.lock()
            mutex.unlock()
        }
        return ContinuousClock.now - begin
    }

    func barrier(_ count: Int) async throws -> Duration? {
        let barrier = Barrier(parties: 2)
        let begin = ContinuousClock.now
        let other = reactor.spawn { for _ in 0..<count { try await barrier.arriveAndWait() } }
        for _ in 0..<count { try await barrier.arriveAndWait() }
        try await other.value
        return ContinuousClock.now - begin
    }

    func spawnJoin(_ count: Int) async throws -> Duration {
        let begin = ContinuousClock.now
        for _ in 0..<count { try await reactor.spawn {}.value }
        return ContinuousClock.now - begin
    }

    func spawnBatch(_ count: Int, batch: Int) async throws -> Duration {
        let begin = ContinuousClock.now
        for _ in 0..<count / batch {
            let tasks = (0..<batch).map { _ in reactor.spawn {} }
            for task in tasks { try await task.value }
        }
        return ContinuousClock.now - begin
    }

    func spawnPark(_ count: Int, batch: Int) async throws -> Duration {
        var elapsed = Duration.zero
        for _ in 0..<count / batch {
            let begin = ContinuousClock.now
            let tasks = ParkedTasks(on: Channel<Int>())
            await park(batch, tasks)
            elapsed += ContinuousClock.now - begin
            await release(batch, tasks)
        }
        return elapsed
    }

    func parkedBytes(_ count: Int) async throws -> Int {
        let tasks = ParkedTasks(on: Channel<Int>())
        let before = residentBytes()
        await park(count, tasks)
        let after = residentBytes()
        await release(count, tasks)
        return after - before
    }

    func sieve(_ count: Int) async throws -> (prime: Int, elapsed: Duration) {
        let begin = ContinuousClock.now
        var source = Channel<Int>()
        reactor.spawn { [source] in
            for number in 2... { try await source.send(number) }
        }
        var prime = 0
        for _ in 0..<count {
            prime = try await source.receive() ?? 0
            let filtered = Channel<Int>()
            reactor.spawn { [source, prime] in
                while let number = try await source.receive() {
                    if !number.isMultiple(of: prime) { try await filtered.send(number) }
                }
            }
            source = filtered
        }
        return (prime, ContinuousClock.now - begin)
    }

    /// Starts `count` tasks, and returns when each has run up to its receive.
    private func park(_ count: Int, _ tasks: ParkedTasks<Channel<Int>>) async {
        for _ in 0..<count {
            reactor.spawn {
                tasks.countStart()
                while try await tasks.channel.receive() != nil {}
                tasks.countEnd()
            }
        }
        await tasks.untilStarted(count)
    }

    private func release(_ count: Int, _ tasks: ParkedTasks<Channel<Int>>) async {
        tasks.channel.close()
        await tasks.untilEnded(count)
    }
}
