import Foundation

/// A server's process on this machine, as `/proc` describes it.
struct ServerProcess: Sendable {
    let pid: Int32
    private static let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))

    init(_ pid: Int32) { self.pid = pid }

    /// The processor time that the process has used; nil when it does not exist. Uses the scheduler's figures, in
    /// nanoseconds, where the kernel offers them.
    var processorSeconds: Double? {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        let exact = tasks.compactMap { task -> Double? in
            text("task/\(task)/schedstat")?.split(separator: " ").first.flatMap { Double($0) }
        }
        if !exact.isEmpty, exact.count == tasks.count { return exact.reduce(0, +) / 1e9 }
        // The fields follow the last parenthesis, since the name in parentheses may hold any character.
        guard let fields = text("stat")?.split(separator: ")").last?.split(separator: " "), fields.count > 12,
            let user = Double(fields[11]), let system = Double(fields[12])
        else { return nil }
        return (user + system) / Self.ticksPerSecond
    }

    /// The process's resident memory; nil when it does not exist.
    var residentBytes: Int? {
        text("statm")?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * Int(getpagesize()) }
    }

    private func text(_ name: String) -> String? { ProcFile.text("/proc/\(pid)/\(name)") }
}

extension ServerProcess {
    /// Returns the process on this machine that listens at an address; nil when there is none, or it belongs to another
    /// user.
    static func listening(at address: ServerAddress) -> ServerProcess? {
        guard address.isLocal, let port = address.description.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            return nil
        }
        let inodes = Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap { listeners(in: $0, port: port) })
        guard !inodes.isEmpty else { return nil }
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { Int32($0) }.first { holds(inodes, $0) }.map { ServerProcess($0) }
    }

    /// Returns the inodes of the sockets in a kernel table that listen on a port.
    private static func listeners(in table: String, port: UInt16) -> [Substring] {
        let isListening = "0A"
        return (ProcFile.text(table) ?? "").split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == isListening,
                fields[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) }) == port
            else { return nil }
            return fields[9]
        }
    }

    private static func holds(_ inodes: Set<Substring>, _ pid: Int32) -> Bool {
        let directory = "/proc/\(pid)/fd"
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return descriptors.contains { descriptor in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\(descriptor)")
            return target.map { $0.hasPrefix("socket:[") && inodes.contains($0.dropFirst(8).dropLast()) } ?? false
        }
    }
}
