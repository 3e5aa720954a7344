import Testing

@testable import sluice_load

@Suite("Comparing servers")
struct ComparingTests {
    private func row(_ key: String) throws -> RowDefinition {
        try #require(RowDefinition.all.first { $0.key == key })
    }

    @Test("Every contestant of a row supports its workload and its transport")
    func contestants() {
        #expect(Set(RowDefinition.all.map(\.key)).count == RowDefinition.all.count)
        for row in RowDefinition.all {
            for contestant in row.contestants {
                if case .rate = row.measure { #expect(contestant.manner(row.workload) != nil, "\(row.key)") }
                if row.transport == .unixSocket { #expect(contestant.program.hasUnixSocket, "\(row.key)") }
            }
            for target in row.targets { #expect(row.contestants.contains(target.against), "\(row.key)") }
        }
    }

    @Test("Handoffs have targets against Redis and NATS, over TCP and over a Unix socket")
    func handoffTargets() throws {
        func ratios(_ key: String) throws -> [Contestant: Double] {
            Dictionary(uniqueKeysWithValues: try row(key).targets.map { ($0.against, $0.ratio) })
        }
        for key in ["handoff", "shared", "crowded"] {
            #expect(try ratios(key) == [.redis: 1.15, .redisReply: 2.2, .nats: 1.7])
        }
        #expect(try ratios("unix") == [.redis: 1.35])
        #expect(try ratios("worker") == [.redis: 1.6, .nats: 1.6])
    }

    @Test("A worker's loop uses a counted receive, BRPOP, or a queue group")
    func workerManners() {
        #expect(Contestant.sluice.manner(.worker) == "SEND, RECV count=*")
        #expect(Contestant.redis.manner(.worker) == "LPUSH, BRPOP")
        #expect(Contestant.nats.manner(.worker) == "request and reply, queue group")
        // Redis answers a sender before a worker has the message; the others do not.
        #expect(Contestant.redis.isAnsweredEarly(.worker))
        #expect(!Contestant.sluice.isAnsweredEarly(.worker) && !Contestant.nats.isAnsweredEarly(.worker))
    }

    @Test("Servers with Unix sockets listen on one beside their port")
    func serverArguments() {
        #expect(
            ServerProgram.sluiced.arguments(port: 7, socketPath: "/s")
                == ["--listen", "127.0.0.1:7", "--listen", "unix:/s"])
        #expect(ServerProgram.redis.arguments(port: 7, socketPath: "/s").suffix(2) == ["--unixsocket", "/s"])
        for program in ServerProgram.allCases {
            #expect(program.arguments(port: 7, socketPath: nil).joined(separator: " ").contains("7"))
            #expect(!program.arguments(port: 7, socketPath: nil).contains { $0.hasSuffix("/s") })
        }
    }

    @Test("A target applies to the contestants that were measured")
    func targetsOfPresentContestants() throws {
        let row = try row("worker")
        let entries = ["sluiced", "nats"].map { Sample.entry($0, [1]) }
        let both = ComparisonRunner.result(row, [.sluice, .nats], "handoffs/s", isHigherBetter: true, entries)
        #expect(both.wanted.map(\.against) == [1] && both.wanted.map(\.ratio) == [1.6])
        let theirs = ComparisonRunner.result(row, [.redis, .nats], "handoffs/s", isHigherBetter: true, entries)
        #expect(theirs.wanted.isEmpty)
    }
}
