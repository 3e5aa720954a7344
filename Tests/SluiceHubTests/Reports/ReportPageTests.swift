import SluiceRuntime
import SluiceWire
import TestSupport
import Testing

@testable import SluiceHub

/// Reports in pages, and how they are taken in slices.
@Suite(.bounded) struct ReportPageTests {
    @Test("The pages of CHANNELS show every channel once, in the order of the names")
    func pagesOfChannelsCoverAll() throws {
        var hub = TestHub()
        let a = hub.connect()
        let names = (0..<25).map { "jobs/\($0)" }.sorted()
        for name in names { _ = try hub.receive(from: name, by: a, tag: "\(name.dropFirst(5))") }
        _ = try hub.receive(from: "other", by: a, tag: "o")
        var shown: [String] = []
        var after: ChannelName?
        while true {
            let page = hub.machine.page(ChannelScan(prefix: try channel("jobs/"), after: after, limit: 4))
            shown += page.channels.map(\.name)
            #expect(page.omitted == names.count - shown.count)
            guard page.omitted > 0, let last = page.channels.last else { break }
            after = try channel(last.name)
        }
        #expect(shown == names)
    }

    @Test("A page of CHANNELS takes as many steps as it has rows, however many channels there are")
    func aPageCostsItsRows() throws {
        var hub = TestHub()
        let a = hub.connect()
        for number in 0..<3000 { _ = try hub.receive(from: "c/\(number)", by: a, tag: "\(number)") }
        var scan = ChannelScan(prefix: nil, after: nil, limit: 10)
        var slices = 1
        while !scan.advance(hub.machine, steps: 400) { slices += 1 }
        #expect(slices > 10, "the first report puts the channels in order")
        let names = (0..<3000).map { "c/\($0)" }.sorted()
        for (prefix, after) in [
            ("", ""), ("", "c/1500"), ("c/29", ""), ("c/29", "c/2990"), ("c/29", "c/3"), ("c/29", "c/1"), ("x", ""),
            ("", "x"), ("", "c/999"), ("", "c/998x"), ("c/2999", ""), ("b", "c/5"),
        ] {
            var scan = ChannelScan(prefix: ChannelName(prefix), after: ChannelName(after), limit: 10)
            let isComplete = scan.advance(hub.machine, steps: 10)
            #expect(isComplete, "\(prefix) \(after)")
            let expected = names.filter { $0.hasPrefix(prefix) && $0 > after }
            #expect(scan.rows(hub.machine).map(\.row.name) == Array(expected.prefix(10)), "\(prefix) \(after)")
            #expect(scan.found == expected.count, "\(prefix) \(after)")
        }
        // Channels that were created since cost their own steps, once.
        for number in 0..<300 { _ = try hub.receive(from: "d/\(number)", by: a, tag: "d\(number)") }
        for isFirst in [true, false] {
            var scan = ChannelScan(prefix: nil, after: ChannelName("d/0"), limit: 10)
            let isComplete = scan.advance(hub.machine, steps: 100)
            #expect(isComplete == !isFirst)
            while !scan.advance(hub.machine, steps: 100) {}
            #expect(scan.rows(hub.machine).count == 10 && scan.found == 299)
        }
        hub.disconnect(a, isOrderly: true)
        #expect(hub.machine.channelsReport(prefix: nil).channels.isEmpty)
    }

    @Test("The pages of WAITERS and CLIENTS show every row once, the oldest first")
    func pagesByAgeCoverAll() throws {
        var hub = TestHub()
        var tags: [String] = []
        for number in 0..<10 {
            let client = hub.connect()
            hub.machine.now += UInt64(number % 2)
            tags.append("t\(number)")
            _ = try hub.receive(from: "c", by: client, tag: "t\(number)")
        }
        var shown: [String?] = []
        var mark: AgeMark?
        while true {
            var scan = WaiterScan(on: nil, after: mark, limit: 3)
            while !scan.advance(hub.machine, steps: 4) {}
            let rows = scan.rows(hub.machine)
            shown += rows.map(\.row.tag)
            guard let last = rows.last, scan.found > last.number else { break }
            mark = AgeMark(try channel(last.key))
        }
        #expect(shown == tags)
        #expect(AgeMark(try channel("12")) == nil)
        #expect(AgeMark(try channel("1-2-3")) == nil)
    }

    @Test("A page of WAITERS or CLIENTS takes as many steps as it has rows, however many others there are")
    func aPageByAgeCostsItsRows() throws {
        var hub = TestHub()
        for number in 0..<3000 {
            let client = hub.connect()
            _ = try hub.receive(from: "c", by: client, tag: "\(number)")
        }
        var (waiters, clients) = (WaiterScan(on: nil, after: nil, limit: 10), ClientScan(after: nil, limit: 10))
        var slices = 0
        while !waiters.advance(hub.machine, steps: 400) { slices += 1 }
        #expect(slices > 6, "the first report puts the operations in order")
        while !clients.advance(hub.machine, steps: 400) {}
        // All pages together take as many steps as there are rows, and one more for the end of each page.
        var tags: [String?] = []
        var (count, pages) = (0, 0)
        var waiter: AgeMark?
        var client: AgeMark?
        repeat {
            waiters = WaiterScan(on: nil, after: waiter, limit: 100)
            clients = ClientScan(after: client, limit: 100)
            let areComplete = (waiters.advance(hub.machine, steps: 101), clients.advance(hub.machine, steps: 101))
            #expect(areComplete == (true, true))
            let (rows, others) = (waiters.rows(hub.machine), clients.rows(hub.machine))
            tags += rows.map(\.row.tag)
            count += others.count
            pages += 1
            #expect(waiters.found == 3000 - tags.count + rows.count && clients.found == 3000 - count + others.count)
            waiter = try rows.last.flatMap { AgeMark(try channel($0.key)) }
            client = try others.last.flatMap { AgeMark(try channel($0.key)) }
        } while tags.count < 3000 && pages < 100
        #expect(tags == (0..<3000).map { "\($0)" } && count == 3000 && pages == 30)
    }

    @Test("A page of the WAITERS on a channel visits only the operations up to the row after its last one")
    func aPageOfAChannelEndsEarly() throws {
        var hub = TestHub()
        let a = hub.connect()
        for number in 0..<3000 {
            _ = try hub.receive(from: number % 10 == 0 ? "c" : "d", by: a, tag: "\(number)")
        }
        #expect(hub.machine.waitersReport(on: try channel("c")).waiters.count == 300)
        var scan = WaiterScan(on: try channel("c"), after: nil, limit: 20)
        // Each visit takes a step, and another one for the arm of the operation.
        let isComplete = scan.advance(hub.machine, steps: 402)
        #expect(isComplete)
        #expect(scan.rows(hub.machine).map(\.row.tag) == (0..<20).map { "\($0 * 10)" })
        #expect(scan.found == 21)
    }

    @Test("A page has at most 64 KiB, however long its rows are", arguments: ReportFormat.allCases)
    func aPageIsBoundedInBytes(_ format: ReportFormat) throws {
        try HubService.run(limits: limits { $0.maxTombstones = 10_000 }) { service in
            let client = try await service.connect()
            let reason = String(repeating: "x", count: 4000)
            for first in stride(from: 0, to: 1000, by: 100) {
                let lines = (first..<first + 100).map { number in
                    let name = String(number + 1000) + String(repeating: "n", count: 190)
                    return "POISON \(name) \(reason)\n"
                }
                try await client.say(lines.joined())
                try await client.hear(String(repeating: "OK\n", count: lines.count))
            }
            var names: Set<Substring> = []
            var after = ""
            repeat {
                try await client.say("CHANNELS format=\(format.rawValue)\(after)\n")
                let words = try await client.hearLine().split(separator: " ")
                let length = try #require(Int(words[1]))
                #expect(length <= ReportPage.maxBytes)
                let body = String(decoding: try await client.stream.readAll(length + 1), as: UTF8.self)
                names.formUnion(body.split { !$0.isLetter && !$0.isNumber }.filter { $0.hasSuffix("nnnn") })
                after = words.count > 2 ? " after=" + words[2].dropFirst("more=".count) : ""
            } while !after.isEmpty
            #expect(names.count == 1000)
        }
    }

    @Test("after= that the hub cannot have given is refused", arguments: ["WAITERS", "CLIENTS", "STUCK"])
    func unknownKeysAreRefused(_ verb: String) throws {
        try HubService.run { service in
            let client = try await service.connect()
            try await client.say("\(verb) after=x\n\(verb) limit=0\n#t \(verb) limit=1\n")
            try await client.hear("ERR bad-option after= must be the more= of the page before\n")
            #expect(try await client.hearLine().hasPrefix("ERR bad-number limit"))
            #expect(try await client.hearLine().hasPrefix("#t DATA "))
        }
    }

    @Test("Other clients are served while a client's reports are taken")
    func othersAreServedBetweenSlices() throws {
        try HubService.run(limits: limits { $0.wire.maxPendingTags = 30_000 }) { service in
            let (busy, other) = (try await service.connect(), try await service.connect())
            let waits = (0..<20_000).map { "#\($0) RECV c\($0)\n" }
            try await busy.say(waits.joined())
            try await service.parked(waits.count)
            try await busy.say(String(repeating: "CHANNELS zzz\n", count: 100))
            try await service.until { service.hub.largestUse.heldInput > 0 }
            try await other.say("PING\n")
            try await other.hear("OK\n")
            #expect(service.hub.largestUse.heldInput > 0, "the reports are not complete")
            for _ in 0..<100 { try await busy.hear("DATA 20\nno channel is in use\n") }
        }
    }

    @Test("A scan finds every channel that stays, while the table grows and shrinks")
    func aScanSurvivesResizing() throws {
        var hub = TestHub()
        let (a, b) = (hub.connect(), hub.connect())
        for number in 0..<100 { _ = try hub.receive(from: "stays/\(number)", by: a, tag: "\(number)") }
        for change in [(before: 3000, after: 0), (before: 0, after: 3000)] {
            for number in 0..<change.before { _ = try hub.receive(from: "x/\(number)", by: b, tag: "\(number)") }
            var scan = ChannelScan(prefix: try channel("stays/"), after: nil, limit: 1000)
            for _ in 0..<4 { _ = scan.advance(hub.machine, steps: 40) }
            if change.after == 0 { _ = hub.machine.endOperations(of: b) }
            for number in 0..<change.after { _ = try hub.receive(from: "x/\(number)", by: b, tag: "\(number)") }
            while !scan.advance(hub.machine, steps: 40) {}
            #expect(scan.rows(hub.machine).count == 100)
        }
    }
}

extension SluiceRuntime.Stream {
    /// Reads `count` bytes, or up to the end of the stream.
    fileprivate func readAll(_ count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count, case let more = try await read(upTo: count - bytes.count), !more.isEmpty {
            bytes += more
        }
        return bytes
    }
}
