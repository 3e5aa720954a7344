/// Compares the runs of a report with those of an earlier one that have the same workload, server and settings.
struct BaselineComparison: Codable, Sendable {
    /// When the earlier measurement began, in seconds since 1970.
    var startedAt: Double
    /// The program and the servers of the earlier report, with their versions, if they are known.
    var versions: [String]
    /// Whether the earlier report is from a machine like this one.
    var isSameMachine: Bool
    var rows: [BaselineRow]
    /// The titles of runs that the earlier report does not have.
    var unmatched: [String]

    init(of report: LoadReport, with earlier: LoadReport) {
        startedAt = earlier.startedAt
        versions = earlier.versions ?? []
        isSameMachine = earlier.machine.summary == report.machine.summary
        rows = []
        unmatched = []
        var seen: Set<String> = []
        for run in report.runs where seen.insert(run.identity).inserted {
            let ours = report.runs.filter { $0.identity == run.identity }
            let theirs = earlier.runs.filter { $0.identity == run.identity }
            if theirs.isEmpty { unmatched.append(run.title) } else { rows.append(BaselineRow(ours, theirs)) }
        }
    }
}

/// A workload that both reports have. If it has several runs, their median counts.
struct BaselineRow: Codable, Sendable {
    enum Verdict: String, Codable, Sendable {
        case better, same, worse
    }

    /// Figures that differ by less than this share count as the same, because repeated runs differ by as much.
    static let tolerance = 0.05
    /// The same share for high percentiles, which differ more between runs.
    static let latencyTolerance = 0.2

    var title: String
    var unit: String
    var rate: Change
    var p99Nanoseconds: Change?
    var serverNanoseconds: Change?
    /// Whether the runs have errors although the earlier ones have none.
    var hasNewErrors: Bool

    /// A figure of both reports.
    struct Change: Codable, Sendable {
        var earlier: Double
        var now: Double

        var ratio: Double { earlier > 0 ? now / earlier : now > 0 ? .infinity : 1 }
    }

    init(_ ours: [RunResult], _ theirs: [RunResult]) {
        title = ours.first?.title ?? ""
        unit = ours.first?.unit ?? ""
        func change(_ value: (RunResult) -> Double?) -> Change? {
            guard let earlier = Spread(theirs.compactMap(value))?.median,
                let now = Spread(ours.compactMap(value))?.median
            else { return nil }
            return Change(earlier: earlier, now: now)
        }
        rate = change(\.rate) ?? Change(earlier: 0, now: 0)
        p99Nanoseconds = change { $0.latency?.nanoseconds(at: 99).map(Double.init) }
        serverNanoseconds = change(\.serverNanoseconds)
        hasNewErrors = ours.contains { $0.errors > 0 } && !theirs.contains { $0.errors > 0 }
    }

    /// Worse if any figure is worse, and better if one is better and none worse.
    var verdict: Verdict {
        if hasNewErrors { return .worse }
        let latency = p99Nanoseconds?.ratio ?? 1
        let server = serverNanoseconds?.ratio ?? 1
        if rate.ratio < 1 - Self.tolerance || latency > 1 + Self.latencyTolerance || server > 1 + Self.tolerance {
            return .worse
        }
        let isBetter =
            rate.ratio > 1 + Self.tolerance || latency < 1 - Self.latencyTolerance || server < 1 - Self.tolerance
        return isBetter ? .better : .same
    }
}

extension BaselineComparison {
    /// `2 better, 1 worse, 3 the same`.
    var summary: String {
        guard !rows.isEmpty else { return "the earlier report has none of these runs" }
        let parts = [(BaselineRow.Verdict.worse, "worse"), (.better, "better"), (.same, "the same")].compactMap {
            verdict, word -> String? in
            let count = rows.count { $0.verdict == verdict }
            return count == 0 ? nil : rows.count == 1 ? word : "\(count) \(word)"
        }
        return parts.joined(separator: ", ")
    }
}

extension RunResult {
    /// The workload, server and settings, which two runs must have in common to be compared.
    fileprivate var identity: String {
        ([workload, target] + settings.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
    }
}
