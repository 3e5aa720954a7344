import Foundation

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

extension Machine {
    /// This one.
    static var here: Machine {
        let processors = ProcFile.text("/proc/cpuinfo") ?? ""
        let name = processors.split(separator: "\n").first { $0.hasPrefix("model name") }
        return Machine(
            processor: name?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown",
            cores: ProcessInfo.processInfo.activeProcessorCount,
            system: ProcessInfo.processInfo.operatingSystemVersionString)
    }
}

extension Machine {
    /// `AMD EPYC, 2 cores, Linux 6.1`, without what is not known.
    var summary: String {
        [processor, "\(cores) \(cores == 1 ? "core" : "cores")", system].filter { !$0.isEmpty }.joined(separator: ", ")
    }
}
