// The Swift of docs/idioms.md: every block of Swift on that page is part of this program.
//
//     make example NAME=idioms

import SluiceRuntime

func idioms() throws {
    try idiom("send and receive") { reactor in
        let jobs = Channel<String>(name: "jobs")
        let worker = reactor.spawn("worker") {
            print("received:", try await jobs.receive() ?? "the end")
        }
        try await jobs.send("sweep the yard")
        try await worker.join()
    }

    try idiom("extended rendezvous") { reactor in
        let orders = Channel<String>(name: "orders")
        let cook = reactor.spawn("cook") {
            try await orders.receiveExtended { order in print("cooking:", order) }
        }
        try await orders.send("soup")
        print("served")
        _ = try await cook.join()
    }

    try idiom("buffers") { _ in
        let jobs = Channel<String>(.buffered(capacity: 2))
        try await jobs.send("sweep")
        try await jobs.send("rake")
        print("room for more:", try jobs.trySend("dig"))
        print("kept:", jobs.bufferedCount)

        let latest = Channel<Int>(.droppingOldest(capacity: 1))
        let first = Channel<Int>(.droppingNewest(capacity: 1))
        for price in [10, 11, 12] {
            try await latest.send(price)
            try await first.send(price)
        }
        print("latest:", try await latest.receive() ?? 0, "first:", try await first.receive() ?? 0)
    }

    try idiom("close") { reactor in
        let jobs = Channel<String>()
        reactor.spawn("foreman") {
            for job in ["sweep", "rake"] { try await jobs.send(job) }
            jobs.close()
        }
        for try await job in jobs { print("job:", job) }
        print("closed:", try await jobs.receive() == nil)
    }

    try idiom("poison and retire") { reactor in
        let jobs = Channel<String>(name: "jobs")
        jobs.poison(reason: "the disk is full")
        do { try await jobs.send("hello") } catch { print(error) }

        let (sending, receiving) = Channel<String>.ends(name: "letters")
        let writer = reactor.spawn("writer") {
            defer { sending.retire() }
            try await sending.send("dear all")
        }
        for try await letter in receiving { print("letter:", letter) }
        try await writer.join()
    }

    try idiom("tasks") { reactor in
        let worker = reactor.spawn("worker") { 6 * 7 }
        print("result:", try await worker.value)
        worker.onEnd { outcome in print("linked:", (try? outcome.get()) ?? 0) }
        for try await task in tasksAsTheyEnd([worker]) { print("ended:", task.name) }

        let sleeper = reactor.spawn("sleeper") { try await sleep(for: .seconds(3600)) }
        sleeper.cancel()
        do { try await sleeper.join(timeout: .seconds(60)) } catch { print("sleeper:", error) }

        let (sum, product) = try await parallel({ 3 + 4 }, { 3 * 4 })
        let squares = try await parallelMap(1...3) { number in number * number }
        print(sum, product, squares)

        try await withNursery { nursery in
            for number in 1...3 { nursery.spawn("child \(number)") { await Task.yield() } }
        }
        print("all have ended")
    }

    try idiom("select") { reactor in
        let (urgent, jobs, results) = (Channel<String>(), Channel<String>(), Channel<Int>())
        reactor.spawn("foreman") { try await jobs.send("sweep the yard") }
        let line = try await select {
            urgent.receiving { "urgent: \($0 ?? "closed")" }
            jobs.receiving { "job: \($0 ?? "closed")" }
            results.sending(42) { "sent" }
            after(.seconds(60)) { "nothing for a minute" }
        }
        print(line)

        let isOpen = false
        let none = try await select(order: .first) {
            urgent.receiving { $0 }
            jobs.receiving { $0 }.when(isOpen)
            otherwise { "nobody is there" }
        }
        print(none ?? "closed")

        let any = try await select(order: .random) {
            for queue in [urgent, jobs] { queue.receiving { $0 } }
            after(.milliseconds(1)) { "nothing" }
        }
        print(any ?? "closed")
    }

    try idiom("not waiting, or not for ever") { _ in
        let jobs = Channel<String>()
        print("taken:", try jobs.trySend("sweep"))
        print("received:", try jobs.tryReceive() ?? "nothing")
        print("waiting:", jobs.parkedCount)
        do throws(SluiceError) {
            try await jobs.send("sweep", timeout: .milliseconds(5))
        } catch {
            print(error.code)
        }
        do throws(SluiceError) {
            _ = try await jobs.receive(timeout: .milliseconds(5))
        } catch {
            print(error.code)
        }
        do {
            try await withTimeout(.milliseconds(5)) { for try await job in jobs { print(job) } }
        } catch let error as SluiceError {
            print(error.code)
        }
    }

    try idiom("time as messages") { _ in
        let deadline = try Channel.after(.milliseconds(20))
        let ticks = try Channel.every(.milliseconds(1))
        var ticked = false
        var isOver = false
        while !isOver {
            try await select {
                ticks.receiving { _ in ticked = true }
                deadline.receiving { _ in isOver = true }
            }
        }
        print("ticked:", ticked)
    }

    try idiom("a value for all") { _ in
        let answer = Channel<Int>(.once)
        try await answer.send(42)
        let seen = try await parallelMap(1...3) { _ in try await answer.receive() ?? 0 }
        print(seen)
    }

    try idiom("many to one, one to many") { reactor in
        let (web, mail) = (Channel<String>(), Channel<String>())
        reactor.spawn("web") { try await web.send("order 1") }
        reactor.spawn("mail") { try await mail.send("order 2") }
        let orders = try merge([web, mail])
        print(try await orders.receive() ?? "", try await orders.receive() ?? "")

        let feed = Channel<String>()
        let news = try Broadcast(of: feed)
        let (chart, log) = (news.tap(), news.tap(.buffered(capacity: 10)))
        reactor.spawn("feed") { try await feed.send("it rains") }
        print(try await chart.receive() ?? "", try await log.receive() ?? "")

        let quotes = Channel<(symbol: String, price: Int)>()
        let prices = try Publication(of: quotes, by: { $0.symbol })
        let sluice = prices.subscribe(to: "SLCE")
        reactor.spawn("exchange") { for symbol in ["ACME", "SLCE"] { try await quotes.send((symbol, 7)) } }
        print(try await sluice.receive()?.symbol ?? "")

        let numbers = Channel<Int>(.unbounded)
        for number in 1...3 { try await numbers.send(number) }
        numbers.close()
        for try await square in try pipeline(from: numbers, workers: 8, { $0 * $0 }) { print(square) }

        let desk = Channel<String>()
        let mix = try Mix(into: desk)
        let voice = mix.add(Channel(of: ["hello"]))
        print(try await desk.receive() ?? "")
        voice.set(.muted)
        mix.add(web, .soloed)

        let (even, odd) = try split(Channel(of: 1...4), .unbounded, by: { $0.isMultiple(of: 2) })
        print(try await even.reduce(0, +), try await odd.reduce(0, +))
        let source = Channel(of: 1...2)
        let computed = try pipeline(from: source, workers: 2, { number in try await offload { number + 1 } })
        print(try await computed.reduce(0, +))
        let letters = Channel<String>(.unbounded)
        try await letters.send(contentsOf: ["a", "b"], closing: true)
        news.removeAllTaps()
        prices.removeAllSubscriptions()
    }

    try idiom("permits") { _ in
        let permits = Semaphore(permits: 2)
        try await permits.acquire()
        print("free:", permits.availablePermits)
        permits.release()
        print("free:", permits.availablePermits)
        try await permits.withPermit { print("free:", permits.availablePermits) }
        let token = try await select {
            permits.acquiring { "a permit" }
            otherwise { "none" }
        }
        print("got:", token)
    }

    try idiom("locks and events") { reactor in
        let ledger = TaskMutex(name: "ledger")
        let changed = Condition(ledger)
        let (ready, prices) = (Event(name: "ready"), ReadWriteLock(name: "prices"))
        let clerk = reactor.spawn("clerk") {
            try await ready.wait()
            try await ledger.withLock { try await changed.wait() }
        }
        ready.set()
        while changed.waitingCount == 0 { await Task.yield() }
        try await ledger.withLock { changed.signal() }
        try await clerk.join()
        ready.clear()
        print("ready:", ready.isSet)
        try await prices.withReadLock { print("readers:", prices.readerCount) }
        try await prices.withWriteLock { print("writing:", prices.isLockedForWriting) }
    }

    try idiom("barriers") { reactor in
        let (start, finish) = (Barrier(parties: 3, name: "start"), WaitGroup(name: "finish"))
        finish.add(2)
        for _ in 1...2 {
            reactor.spawn("runner") {
                try await start.arriveAndWait()
                finish.done()
            }
        }
        try await start.arriveAndWait()
        print("all have met")
        try await finish.wait()
        print("all have arrived")

        let pair = Barrier(parties: 2, name: "pair")
        reactor.spawn("other") { try await pair.arriveAndWait() }
        let meeting = try await select {
            pair.arriving { "both are here" }
            after(.seconds(60)) { "alone" }
        }
        print(meeting)

        let tick = Bucket(name: "tick")
        let waiter = reactor.spawn("waiter") { try await tick.wait() }
        while tick.waitingCount == 0 { await Task.yield() }
        print("woken:", tick.flush())
        try await waiter.join()
    }

    try idiom("pools, queues and threads") { _ in
        let pool = try TaskPool(limit: 2, name: "fetchers")
        for number in 1...3 { try await pool.spawn("fetch \(number)") { await Task.yield() } }
        try await pool.join()
        print(try await pool.map(1...3) { number in number * number })
        try await withNursery { nursery in
            let limited = try TaskPool(limit: 2, in: nursery)
            for number in 1...3 { try await limited.spawn { print("task", number) } }
        }

        let queue = WorkQueue<Int>(.priority(by: <), capacity: 10)
        for number in [3, 1, 2] { try await queue.put(number) }
        print("first:", try await queue.take() ?? 0)
        queue.finish()
        let latest = WorkQueue<Int>(.newestFirst)
        for number in [3, 1, 2] { try await latest.put(number) }
        print("latest:", try await latest.take() ?? 0)

        let answer = try await offload { 6 * 7 }
        print("computed:", answer)
        print("looked up:", try await SocketAddress.lookUp("127.0.0.1:7333"))
    }

    try idiom("servers and host names") { reactor in
        let listener = try Listener.bind(to: SocketAddress("127.0.0.1:0"))
        let server = reactor.spawn("server") {
            try await listener.serve(limit: 100) { stream in
                let reader = StreamReader(stream)
                while let line = try await reader.readLine() { try await stream.write("\(line)!\n".utf8) }
            }
        }
        let stream = try await Stream.connect(toHost: "\(listener.localAddress)", timeout: .seconds(60))
        try await stream.write("hello\n".utf8)
        print(try await StreamReader(stream).readLine() ?? "")
        listener.close()
        stream.close()
        try await server.join()
    }

    try idiom("subprocesses, files and datagrams") { _ in
        let sorter = try Subprocess.start(["sort", "-n"], .init(input: .pipe, output: .pipe))
        try await sorter.input?.write("10\n9\n".utf8)
        try sorter.input?.shutdownWrite()
        print(String(decoding: try await sorter.output?.readToEnd() ?? [], as: UTF8.self).split(separator: "\n"))
        print(try await sorter.wait())
        let greeting = try await Subprocess.run(["echo", "hello"], timeout: .seconds(60))
        print("written:", greeting.output.count)
        let program = try Subprocess.start(["sleep", "3600"])
        program.signal(15)
        let end = try await select {
            program.ending { status in "ended by \(status)" }
            after(.seconds(60)) { "it still runs" }
        }
        print(end)

        let file = try await File.open("/dev/zero")
        print("read:", try await file.read(upTo: 3))
        let output = try WatchedDescriptor(1, name: "standard output")
        try await output.waitWritable()

        let socket = try DatagramSocket.bind(to: SocketAddress("127.0.0.1:0"))
        try await socket.send("hello".utf8, to: socket.localAddress)
        print("received:", try await socket.receive().bytes.count)
    }

    try idiom("questions and answers") { reactor in
        let questions = Channel<(number: Int, reply: Channel<Int>)>()
        let server = reactor.spawn("server") {
            for try await question in questions { try await question.reply.send(question.number * question.number) }
        }
        let reply = Channel<Int>()
        try await questions.send((7, reply))
        print(try await reply.receive() ?? 0)
        questions.close()
        try await server.join()
    }

    try idiom("ranks") { _ in
        let parts = [[1, 2], [3], [4, 5, 6]]
        let toRank = parts.indices.map { Channel<[Int]>(name: "to rank \($0)") }
        let toRoot = Channel<Int>(name: "to the root")
        try await withNursery { nursery in
            for rank in parts.indices {
                nursery.spawn("rank \(rank)") {
                    let part = try await toRank[rank].receive() ?? []
                    try await toRoot.send(part.reduce(0, +))
                }
            }
            for rank in parts.indices { try await toRank[rank].send(parts[rank]) }
            var sum = 0
            for _ in parts { sum += try await toRoot.receive() ?? 0 }
            print("sum:", sum)
        }
    }

    print("-- who waits on what")
    do {
        try Reactor().run { _ = try await Channel<Int>(name: "jobs").receive() }
    } catch let deadlock as Deadlock {
        print(deadlock.tasks)
    }
    try Reactor().run { print(try await Reactor.current?.taskReports() ?? []) }
}

private func idiom(_ title: String, _ body: @escaping @Sendable (Reactor) async throws -> Void) throws {
    print("--", title)
    let reactor = try Reactor()
    try reactor.run { try await body(reactor) }
}
