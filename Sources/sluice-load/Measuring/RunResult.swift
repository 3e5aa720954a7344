/// What one run of a workload against one server measured, after its warm-up.
struct RunResult: Codable, Sendable {
    /// `handoff`, for instance.
    var workload: String
    /// The server: `sluiced`, `redis` and so on.
    var target: String
    /// The settings, in the order in which reports show them.
    var settings: [RunSetting]
    /// The name of what is counted, in the plural: `handoffs`.
    var unit: String
    var seconds: Double
    /// How many operations were completed in that time.
    var operations: Int
    /// How many operations were answered with an error.
    var errors: Int
    /// The latencies of operations, from their intended times; nil where nothing is timed.
    var latency: Latency?
    var timeline: [Interval]
    /// The server's processor time; nil when it runs on another machine.
    var serverSeconds: Double?
    /// The generator's processor time. Close to `seconds` times its threads, the generator was the limit, not the
    /// server.
    var generatorSeconds: Double
    /// Figures of some workloads only: `bytes a connection`, for instance.
    var extras: [Figure]

    /// Operations a second.
    var rate: Double { seconds > 0 ? Double(operations) / seconds : 0 }
}

struct RunSetting: Codable, Sendable {
    var name: String
    var value: String
}

struct Figure: Codable, Sendable {
    var name: String
    var value: Double
    var unit: String
}

/// The latencies of operations, in nanoseconds.
struct Latency: Codable, Sendable {
    var count: Int
    var meanNanoseconds: Double
    var leastNanoseconds: Int
    var mostNanoseconds: Int
    /// From the median to the highest percentile that the count can resolve, for a plot. Includes `shown`.
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
    /// When it ended, in seconds since the start of the measurement.
    var end: Double
    var seconds: Double
    var operations: Int
    var errors: Int
    var p50Nanoseconds: Int?
    var p99Nanoseconds: Int?
}
