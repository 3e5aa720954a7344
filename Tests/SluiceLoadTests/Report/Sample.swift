@testable import sluice_load

/// Small reports with known figures.
enum Sample {
    static let machine = Machine(processor: "Z80", cores: 1, system: "CP/M 2.2")

    static let latency = Latency(
        count: 20_000, meanNanoseconds: 1_250_000, leastNanoseconds: 200_000, mostNanoseconds: 25_000_000,
        percentiles: [
            Percentile(percent: 50, nanoseconds: 1_100_000), Percentile(percent: 90, nanoseconds: 2_000_000),
            Percentile(percent: 99, nanoseconds: 4_560_000), Percentile(percent: 99.9, nanoseconds: 12_300_000),
        ])

    static var run: RunResult {
        RunResult(
            workload: "handoff", target: "sluiced",
            settings: [RunSetting(name: "pairs", value: "50"), RunSetting(name: "threads", value: "1")],
            unit: "handoffs", seconds: 2, operations: 20_000, errors: 3, latency: latency,
            timeline: [interval(end: 1), interval(end: 2)], serverSeconds: 0.05, generatorSeconds: 1,
            extras: [Figure(name: "memory", value: 2_312, unit: "bytes a connection")])
    }

    static func interval(end: Double) -> Interval {
        Interval(
            end: end, seconds: 1, operations: 10_000, errors: 0, p50Nanoseconds: 1_100_000, p99Nanoseconds: 4_560_000)
    }

    static func report(_ runs: [RunResult]) -> LoadReport {
        LoadReport(
            command: ["sluice-load", "handoff"], startedAt: 86_400, machine: machine, runs: runs, comparison: nil)
    }

    static func report(_ comparison: Comparison) -> LoadReport {
        LoadReport(
            command: ["sluice-load", "compare"], startedAt: 86_400, machine: machine, runs: [], comparison: comparison)
    }

    static func entry(
        _ contender: String, _ values: [Double], p99: [Int] = [], server: [Double] = [], manner: String = ""
    ) -> ComparisonEntry {
        ComparisonEntry(
            contender: contender, manner: manner, values: values, p99Nanoseconds: p99, serverNanoseconds: server)
    }

    static func comparison(_ rows: [ComparisonRow], rounds: Int = 3) -> Comparison {
        Comparison(
            rounds: rounds,
            contenders: [Contender(key: "us", title: "Sluice 1"), Contender(key: "them", title: "Peer 2")],
            missing: [MissingContender(key: "other", reason: "is not installed")], rows: rows)
    }

    static var comparison: Comparison {
        comparison([
            ComparisonRow(
                title: "handoff, 50 pairs", unit: "handoffs/s", isHigherBetter: true,
                entries: [
                    entry(
                        "us", [400_000, 420_000, 410_000], p99: [300_000, 320_000, 310_000],
                        server: [1700, 1720, 1710],
                        manner: "SEND and RECV"),
                    entry(
                        "them", [100_000, 120_000, 102_500], p99: [900_000, 910_000, 890_000],
                        server: [5000, 5100, 5200],
                        manner: "LPUSH, BLPOP, and a reply list"),
                ],
                wanted: [WantedRatio(against: 1, ratio: 2, needsLowerP99: true)]),
            ComparisonRow(
                title: "idle", unit: "bytes a connection", isHigherBetter: false,
                entries: [entry("us", [3000, 3000, 3000]), entry("them", [2000, 2000, 2000])],
                wanted: [WantedRatio(against: 1, ratio: 0.5, needsLowerP99: false)]),
        ])
    }
}
