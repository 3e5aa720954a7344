/// The same workloads against several servers, in interleaved rounds.
struct Comparison: Codable, Sendable {
    var rounds: Int
    var contenders: [Contender]
    /// The servers that were not there, and why.
    var missing: [MissingContender]
    var rows: [ComparisonRow]
}

struct Contender: Codable, Sendable {
    /// `redis`, for instance; the one of `RunResult.target`.
    var key: String
    /// `Redis 7.0.15`, for instance.
    var title: String
}

struct MissingContender: Codable, Sendable {
    var key: String
    var reason: String
}

/// One workload, against all who have something like it.
struct ComparisonRow: Codable, Sendable {
    /// `handoff, 50 private pairs`, for instance.
    var title: String
    /// `handoffs/s`, or `bytes a connection`.
    var unit: String
    var isHigherBetter: Bool
    var entries: [ComparisonEntry]
    var wanted: [WantedRatio]
}

/// What one contender reached in each round.
struct ComparisonEntry: Codable, Sendable {
    var contender: String
    /// What it did, where it has several ways: `LPUSH, BLPOP, and a reply list`.
    var manner: String
    var values: [Double]
    /// Empty where nothing is timed.
    var p99Nanoseconds: [Int]
    /// Processor time of the server for an operation; empty where that is not what is compared.
    var serverNanoseconds: [Double]
}

/// What the first entry is to reach in comparison with another one.
struct WantedRatio: Codable, Sendable {
    /// The index in `entries`.
    var against: Int
    /// At least, or at most where less is better.
    var ratio: Double
    /// Whether the 99th percentile must be lower, too.
    var needsLowerP99: Bool
}
