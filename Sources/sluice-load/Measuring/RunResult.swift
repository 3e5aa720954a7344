/// What one run of a workload against one server measured, after its warm-up.
struct RunResult: Codable, Sendable {
    /// `handoff`, for instance.
    var workload: String
    /// What was measured: `sluiced`, `redis` and so on.
    var target: String
    /// The options that matter, in the order in which they are shown.
    var settings: [Setting]
    /// What is counted, in the plural: `handoffs`.
    var unit: String
    var seconds: Double
    /// How many of the unit were completed in that time.
    var operations: Int
    /// How many were answered with an error.
    var errors: Int
    /// Of one operation, from the moment at which it was to begin; nil where nothing is timed.
    var latency: Latency?
    var timeline: [Interval]
    /// The processor time of the server; nil where it runs elsewhere.
    var serverSeconds: Double?
    /// The processor time of the generator: near `seconds` times its threads, it was the limit and not the server.
    var generatorSeconds: Double
    /// Figures that only some workloads have: `bytes a connection`, for instance.
    var extras: [Figure]

    /// Operations a second.
    var rate: Double { seconds > 0 ? Double(operations) / seconds : 0 }
}

struct Setting: Codable, Sendable {
    var name: String
    var value: String
}

struct Figure: Codable, Sendable {
    var name: String
    var value: Double
    var unit: String
}

/// How long operations took, in nanoseconds.
struct Latency: Codable, Sendable {
    var count: Int
    var meanNanoseconds: Double
    var leastNanoseconds: Int
    var mostNanoseconds: Int
    /// From the median up to what the count can tell, for a plot; those of `shown` are among them.
    var percentiles: [Percentile]

    /// The percentiles that tables show.
    static let shown: [Double] = [50, 90, 99, 99.9]

    func nanoseconds(at percent: Double) -> Int? { percentiles.first { $0.percent == percent }?.nanoseconds }
}

struct Percentile: Codable, Sendable {
    var percent: Double
    var nanoseconds: Int
}

/// A part of a run.
struct Interval: Codable, Sendable {
    /// When it ended, in seconds since the begin of what is measured.
    var end: Double
    var seconds: Double
    var operations: Int
    var errors: Int
    var p50Nanoseconds: Int?
    var p99Nanoseconds: Int?
}
