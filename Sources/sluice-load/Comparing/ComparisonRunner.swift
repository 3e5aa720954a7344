import Foundation

/// A comparison as it goes on: the servers that there are, and the rounds, of which each has every contestant once.
final class Tournament {
    let rounds: Int
    let seconds: Double
    let progress: ProgressLine
    private(set) var contenders: [Contender] = []
    private(set) var missing: [MissingContender] = []
    private var programs: [ContenderServer: String] = [:]
    private var servers: [ContenderServer: PeerProcess] = [:]

    /// Finds out what is there.
    init(sluiced: String?, rounds: Int, seconds: Double, progress: ProgressLine) {
        self.rounds = rounds
        self.seconds = seconds
        self.progress = progress
        for server in ContenderServer.allCases {
            if let path = server == .sluiced ? sluiced : PeerProcess.path(of: server.program) {
                programs[server] = path
                contenders.append(Contender(key: server.rawValue, title: server.title(path)))
            } else {
                missing.append(MissingContender(key: server.rawValue, reason: "\(server.program) is not installed"))
            }
        }
    }

    /// Ends the servers.
    func end() {
        for server in servers.values { server.end() }
        servers = [:]
    }

    /// What becomes of a row, and of each contestant the run whose rate is the median. Nil where nobody is there.
    func play(_ row: ComparedRow) throws(LoadFailure) -> (ComparisonRow, [RunResult])? {
        let present = row.contestants.filter { programs[$0.process] != nil }
        guard !present.isEmpty else { return nil }
        switch row.measure {
        case .rate(let cast): return try playRate(row, present, cast)
        case .memory(let isParked): return (try playMemory(row, present, isParked: isParked), [])
        case .crowd: return (try playCrowd(row), [])
        }
    }

    private func playRate(
        _ row: ComparedRow, _ present: [Contestant], _ cast: (inout Plan) -> Void
    ) throws(LoadFailure) -> (ComparisonRow, [RunResult]) {
        var results: [Contestant: [RunResult]] = [:]
        for round in 1...rounds {
            for contestant in present {
                announce(row, round, contestant.rawValue)
                var plan = plan(row, contestant, at: try standing(contestant.process), round: round)
                cast(&plan)
                results[contestant, default: []].append(try Run.carryOut(plan) { [progress] in progress.show($0) })
            }
        }
        let entries = present.map { contestant in
            Self.entry(contestant.server, contestant.manner(row.workload) ?? "", results[contestant] ?? [])
        }
        let medians = present.compactMap { contestant -> RunResult? in
            let sorted = (results[contestant] ?? []).sorted { $0.rate < $1.rate }
            return sorted.isEmpty ? nil : sorted[sorted.count / 2]
        }
        return (Self.row(row, present, "\(row.workload.unit)/s", isHigherBetter: true, entries), medians)
    }

    // MARK: Servers

    /// The server that stands for the whole comparison.
    private func standing(_ server: ContenderServer) throws(LoadFailure) -> PeerProcess {
        if let process = servers[server] { return process }
        let process = try fresh(server)
        servers[server] = process
        return process
    }

    /// One that has done nothing yet.
    func fresh(_ server: ContenderServer) throws(LoadFailure) -> PeerProcess {
        guard let program = programs[server] else { throw LoadFailure("\(server.program) is not installed") }
        return try PeerProcess(server, program: program)
    }

    // MARK: Figures

    func announce(_ row: ComparedRow, _ round: Int, _ what: String) {
        progress.begin("\(row.title), round \(round) of \(rounds): \(what)")
    }

    func plan(_ row: ComparedRow, _ contestant: Contestant, at process: PeerProcess, round: Int) -> Plan {
        var plan = Plan(workload: row.workload, contestant: contestant, address: process.address)
        plan.length = .time(seconds: seconds, warmUpSeconds: seconds / 10)
        plan.seed = UInt64(round)
        plan.serverPID = process.server.pid
        plan.prefix = "load/\(row.key)/\(round)"
        return plan
    }

    static func entry(_ contender: String, _ manner: String, _ results: [RunResult]) -> ComparisonEntry {
        ComparisonEntry(
            contender: contender, manner: manner, values: results.map(\.rate),
            p99Nanoseconds: results.compactMap { $0.latency?.nanoseconds(at: 99) },
            serverNanoseconds: results.compactMap(serverNanoseconds))
    }

    /// The server's processor time for an operation.
    static func serverNanoseconds(_ result: RunResult) -> Double? {
        result.serverSeconds.map { $0 * 1e9 / Double(max(1, result.operations)) }
    }

    static func row(
        _ row: ComparedRow, _ present: [Contestant], _ unit: String, isHigherBetter: Bool, _ entries: [ComparisonEntry]
    ) -> ComparisonRow {
        let wanted = row.wanted.compactMap { wanted in
            present.lastIndex(of: wanted.against).map {
                WantedRatio(against: $0, ratio: wanted.ratio, needsLowerP99: wanted.needsLowerP99)
            }
        }
        return ComparisonRow(
            title: row.title, unit: unit, isHigherBetter: isHigherBetter, entries: entries,
            wanted: present.first == .sluice ? wanted : [])
    }
}

extension Contestant {
    /// The server of which it is a way.
    var process: ContenderServer {
        switch self {
        case .sluice: .sluiced
        case .redis, .redisReply: .redis
        case .nats: .nats
        case .beanstalkd: .beanstalkd
        }
    }

    /// What results call that server.
    var server: String { process.rawValue }
}
