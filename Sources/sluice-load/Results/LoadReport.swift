/// Everything that one call of `sluice-load` has measured: what `--json`, `--csv` and `--report` say.
struct LoadReport: Codable, Sendable {
    /// The command line, to measure the same again.
    var command: [String]
    /// When it began, in seconds since 1970.
    var startedAt: Double
    var machine: Machine
    var runs: [RunResult]
    /// Nil for a run of one workload against one server.
    var comparison: Comparison?
}

/// Where it was measured.
struct Machine: Codable, Sendable {
    var processor: String
    var cores: Int
    var system: String
}
