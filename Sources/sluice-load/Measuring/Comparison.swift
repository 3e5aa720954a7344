/// The same workloads measured on several servers, in interleaved rounds.
struct Comparison: Codable, Sendable {
    var rounds: Int
    var contenders: [Contender]
    /// The servers that were left out, and why.
    var missing: [MissingContender]
    var rows: [ComparisonRow]
}

struct Contender: Codable, Sendable {
    /// `redis`, for instance; as in `RunResult.target`.
    var key: String
    /// `Redis 7.0.15`, for instance.
    var title: String
}

struct MissingContender: Codable, Sendable {
    var key: String
    var reason: String
}

/// One workload, measured on all servers that support it.
struct ComparisonRow: Codable, Sendable {
    /// `handoff, 50 private pairs`, for instance.
    var title: String
    /// `handoffs/s`, or `bytes a connection`.
    var unit: String
    var isHigherBetter: Bool
    var entries: [ComparisonEntry]
    var wanted: [WantedRatio]
}

/// The results of one contender in each round.
struct ComparisonEntry: Codable, Sendable {
    var contender: String
    /// The requests that were used: `LPUSH, BRPOP, and a reply list`, for instance.
    var manner: String
    var values: [Double]
    /// Empty when nothing is timed.
    var p99Nanoseconds: [Int]
    /// The server's processor time for an operation; empty when it is not compared.
    var serverNanoseconds: [Double]
}

/// The ratio that the first entry should reach to another entry.
struct WantedRatio: Codable, Sendable {
    /// The index in `entries`.
    var against: Int
    /// The least ratio, or the greatest when less is better.
    var ratio: Double
    /// Whether the 99th percentile must be lower as well.
    var needsLowerP99: Bool
}
