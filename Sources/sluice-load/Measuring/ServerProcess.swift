import Foundation

/// What `/proc` says of a process: the server's, where it runs on this machine.
struct ServerProcess: Sendable {
    let pid: Int32
    private static let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))

    init(_ pid: Int32) { self.pid = pid }

    /// The processor time that it has used; nil when it is not there. From the scheduler's own figures, whose unit is the
    /// nanosecond, where the kernel gives them.
    var processorSeconds: Double? {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        let exact = tasks.compactMap { task -> Double? in
            text("task/\(task)/schedstat")?.split(separator: " ").first.flatMap { Double($0) }
        }
        if !exact.isEmpty, exact.count == tasks.count { return exact.reduce(0, +) / 1e9 }
        // Behind the last parenthesis, since the name before it may hold anything.
        guard let fields = text("stat")?.split(separator: ")").last?.split(separator: " "), fields.count > 12,
            let user = Double(fields[11]), let system = Double(fields[12])
        else { return nil }
        return (user + system) / Self.ticksPerSecond
    }

    /// How much memory it has; nil when it is not there.
    var residentBytes: Int? {
        text("statm")?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * Int(getpagesize()) }
    }

    private func text(_ name: String) -> String? { ProcFile.text("/proc/\(pid)/\(name)") }
}
