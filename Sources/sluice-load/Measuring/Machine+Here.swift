import Foundation

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
