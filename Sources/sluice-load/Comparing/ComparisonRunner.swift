import Foundation
import SluiceRuntime

/// Measures the rows of a comparison, in rounds in which the contestants take turns.
final class ComparisonRunner {
    let rounds: Int
    let seconds: Double
    let progress: ProgressLine
    private(set) var contenders: [Contender] = []
    private(set) var missing: [MissingContender] = []
    private var executables: [ServerProgram: String] = [:]
    private var sharedServers: [SharedKey: StartedServer] = [:]
    /// The certificate of the servers with TLS, made when the first of them starts.
    private var certificate: ThrowawayCertificate?

    private struct SharedKey: Hashable {
        var program: ServerProgram
        var usesTLS: Bool
    }

    /// Looks for the servers' executables.
    init(sluiced: String?, rounds: Int, seconds: Double, progress: ProgressLine) {
        self.rounds = rounds
        self.seconds = seconds
        self.progress = progress
        for program in ServerProgram.allCases {
            if let path = program == .sluiced ? sluiced : StartedServer.path(of: program.executable) {
                executables[program] = path
                contenders.append(Contender(key: program.rawValue, title: program.title(ofExecutableAt: path)))
            } else {
                let reason = "\(program.executable) is not installed"
                missing.append(MissingContender(key: program.rawValue, reason: reason))
            }
        }
    }

    /// Ends the servers.
    func end() {
        for server in sharedServers.values { server.end() }
        sharedServers = [:]
        certificate?.remove()
        certificate = nil
    }

    /// Measures a row. Returns nil when no server of the row is installed.
    ///
    /// - Returns: the row's result, and the run with the median rate of each contestant.
    func measure(_ row: RowDefinition) throws(LoadFailure) -> (ComparisonRow, [RunResult])? {
        let present = row.contestants.filter { executables[$0.program] != nil }
        guard !present.isEmpty else { return nil }
        switch row.measure {
        case .rate(let populate): return try measureRate(row, present, populate)
        case .memory(let isParked): return (try measureMemory(row, present, isParked: isParked), [])
        case .crowd: return (try measureCrowd(row), [])
        }
    }

    private func measureRate(
        _ row: RowDefinition, _ present: [Contestant], _ populate: (inout RunPlan) -> Void
    ) throws(LoadFailure) -> (ComparisonRow, [RunResult]) {
        var results: [Contestant: [RunResult]] = [:]
        for round in 1...rounds {
            for contestant in present {
                announce(row, round, contestant.rawValue)
                var plan = try plan(
                    row, contestant, at: try sharedServer(contestant.program, row.transport), round: round)
                populate(&plan)
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
        return (Self.result(row, present, "\(row.workload.unit)/s", isHigherBetter: true, entries), medians)
    }

    // MARK: Servers

    /// Returns the server that all rows about speed share.
    private func sharedServer(
        _ program: ServerProgram, _ transport: RowDefinition.Transport
    ) throws(LoadFailure) -> StartedServer {
        let key = SharedKey(program: program, usesTLS: transport == .tls)
        if let server = sharedServers[key] { return server }
        let server = try freshServer(program, transport)
        sharedServers[key] = server
        return server
    }

    func freshServer(
        _ program: ServerProgram, _ transport: RowDefinition.Transport = .tcp
    ) throws(LoadFailure) -> StartedServer {
        guard let executable = executables[program] else {
            throw LoadFailure("\(program.executable) is not installed")
        }
        return try StartedServer(
            program, executable: executable, certificate: transport == .tls ? try madeCertificate() : nil)
    }

    private func madeCertificate() throws(LoadFailure) -> ThrowawayCertificate {
        if let certificate { return certificate }
        do throws(SluiceError) {
            let made = try ThrowawayCertificate(
                for: ["IP:127.0.0.1"], in: FileManager.default.temporaryDirectory.path)
            ChildProcesses.shared.removeAtEnd(made)
            certificate = made
            return made
        } catch {
            throw LoadFailure(error.message)
        }
    }

    // MARK: Results

    func announce(_ row: RowDefinition, _ round: Int, _ subject: String) {
        progress.begin("\(row.title), round \(round) of \(rounds): \(subject)")
    }

    func plan(
        _ row: RowDefinition, _ contestant: Contestant, at server: StartedServer, round: Int
    ) throws(LoadFailure) -> RunPlan {
        var plan = RunPlan(
            workload: row.workload, contestant: contestant, address: try server.address(over: row.transport))
        plan.length = .time(seconds: seconds, warmUpSeconds: seconds / 10)
        plan.seed = UInt64(round)
        plan.serverPID = server.server.pid
        plan.prefix = "load/\(row.key)/\(round)"
        return plan
    }

    static func entry(_ contender: String, _ manner: String, _ results: [RunResult]) -> ComparisonEntry {
        ComparisonEntry(
            contender: contender, manner: manner, values: results.map(\.rate),
            p99Nanoseconds: results.compactMap { $0.latency?.nanoseconds(at: 99) },
            serverNanoseconds: results.compactMap(serverNanoseconds))
    }

    /// Returns the server's processor time for an operation.
    static func serverNanoseconds(_ result: RunResult) -> Double? {
        result.serverSeconds.map { $0 * 1e9 / Double(max(1, result.operations)) }
    }

    static func result(
        _ row: RowDefinition, _ present: [Contestant], _ unit: String, isHigherBetter: Bool,
        _ entries: [ComparisonEntry]
    ) -> ComparisonRow {
        let wanted = row.targets.compactMap { target in
            present.lastIndex(of: target.against).map {
                WantedRatio(against: $0, ratio: target.ratio, needsLowerP99: target.needsLowerP99)
            }
        }
        return ComparisonRow(
            title: row.title, unit: unit, isHigherBetter: isHigherBetter, entries: entries,
            wanted: present.first == .sluice ? wanted : [])
    }
}
