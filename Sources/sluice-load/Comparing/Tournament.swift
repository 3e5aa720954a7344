import Foundation

/// A comparison as it goes on: the servers that are up, and the rounds, of which each has every contestant once.
final class Tournament {
    private var servers: [ContenderServer: PeerProcess] = [:]
    private(set) var contenders: [Contender] = []
    private(set) var missing: [MissingContender] = []
    private let progress: ProgressLine

    /// Starts what is there.
    init(sluiced: String?, progress: ProgressLine) throws(LoadFailure) {
        self.progress = progress
        for server in ContenderServer.allCases {
            let path = server == .sluiced ? sluiced : PeerProcess.path(of: server.program)
            guard let path else {
                missing.append(MissingContender(key: server.rawValue, reason: "\(server.program) is not installed"))
                continue
            }
            progress.begin("starting \(server.program)")
            servers[server] = try PeerProcess(server, program: path)
            contenders.append(Contender(key: server.rawValue, title: server.title(path)))
        }
    }

    /// Ends the servers.
    func end() { for server in servers.values { server.end() } }

    /// What becomes of a row, and of each contestant the run whose rate is the median. Nil where nobody is there.
    func play(_ row: ComparedRow, rounds: Int, seconds: Double) throws(LoadFailure) -> (ComparisonRow, [RunResult])? {
        let present = row.contestants.filter { process(of: $0) != nil }
        guard !present.isEmpty else { return nil }
        var results: [Contestant: [RunResult]] = [:]
        for round in 1...rounds {
            for contestant in present {
                progress.begin("\(row.title), round \(round) of \(rounds): \(contestant.rawValue)")
                guard let plan = try plan(row, contestant, seconds: seconds, round: round) else { continue }
                results[contestant, default: []].append(try Run.carryOut(plan) { [progress] in progress.show($0) })
            }
        }
        let entries = present.map { Self.entry(row, $0, results[$0] ?? []) }
        let wanted = row.wanted.compactMap { wanted in
            present.firstIndex(of: wanted.against).map {
                WantedRatio(against: $0, ratio: wanted.ratio, needsLowerP99: wanted.needsLowerP99)
            }
        }
        let compared = ComparisonRow(
            title: row.title, unit: "\(row.workload.unit)/s", isHigherBetter: true, entries: entries,
            wanted: present.first == .sluice ? wanted : [])
        let medians = present.compactMap { contestant -> RunResult? in
            let sorted = (results[contestant] ?? []).sorted { $0.rate < $1.rate }
            return sorted.isEmpty ? nil : sorted[sorted.count / 2]
        }
        return (compared, medians)
    }

    private func process(of contestant: Contestant) -> PeerProcess? {
        ContenderServer(rawValue: contestant.server).flatMap { servers[$0] }
    }

    private func plan(
        _ row: ComparedRow, _ contestant: Contestant, seconds: Double, round: Int
    ) throws(LoadFailure) -> Plan? {
        guard let process = process(of: contestant) else { return nil }
        var plan = Plan(workload: row.workload, contestant: contestant, address: process.address)
        row.plan(&plan)
        plan.length = .time(seconds: seconds, warmUpSeconds: seconds / 10)
        plan.seed = UInt64(round)
        plan.serverPID = process.server.pid
        // A run that was cut short must not leave messages for the next one.
        plan.prefix = "load/\(row.key)/\(round)"
        return plan
    }

    private static func entry(_ row: ComparedRow, _ contestant: Contestant, _ results: [RunResult]) -> ComparisonEntry {
        ComparisonEntry(
            contender: contestant.server, manner: contestant.manner(row.workload) ?? "", values: results.map(\.rate),
            p99Nanoseconds: results.compactMap { $0.latency?.nanoseconds(at: 99) },
            serverNanoseconds: results.compactMap { result in
                result.serverSeconds.map { $0 * 1e9 / Double(max(1, result.operations)) }
            })
    }
}
