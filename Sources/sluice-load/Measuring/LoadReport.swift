import Foundation

/// Everything that one call of `sluice-load` measured, as `--json`, `--csv` and `--report` write it.
struct LoadReport: Codable, Sendable {
    /// The command line.
    var command: [String]
    /// When the measurement began, in seconds since 1970.
    var startedAt: Double
    var machine: Machine
    var runs: [RunResult]
    /// Nil for runs against one server.
    var comparison: Comparison?
    /// This program and the measured servers, with their versions as far as they are known. Nil in files of older versions.
    var versions: [String]?
    /// The comparison with an earlier report; nil without one.
    var baseline: BaselineComparison?
}

/// The machine on which a report was measured.
struct Machine: Codable, Sendable {
    var processor: String
    var cores: Int
    var system: String
}

extension Machine {
    /// The machine that this process runs on.
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
    /// `AMD EPYC, 2 cores, Linux 6.1`, without the parts that are unknown.
    var summary: String {
        [processor, "\(cores) \(cores == 1 ? "core" : "cores")", system].filter { !$0.isEmpty }.joined(separator: ", ")
    }
}
