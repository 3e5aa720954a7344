import Foundation
import SluiceHub

/// The memory that the daemon may use.
enum MachineMemory {
    /// The smallest of the machine's physical memory, the limit of the control group, and what the limit on the address
    /// space of the process leaves besides what is mapped already, in bytes.
    static var available: Int {
        var smallest = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        if let limit = groupLimit(at: "/") { smallest = min(smallest, limit) }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max {
            smallest = min(smallest, max(0, Int(clamping: limit.rlim_cur) - mapped))
        }
        return smallest
    }

    /// The address space that the process takes, in bytes: about 100 MB for a daemon that starts.
    private static var mapped: Int {
        let statm = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (statm.split(separator: " ").first.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Returns the lowest memory limit of the process's control group and the groups above it, of version 2 or 1. Nil
    /// if there is none.
    ///
    /// - Parameter root: the directory that has `proc` and `sys`.
    static func groupLimit(at root: String) -> Int? {
        guard let groups = try? String(contentsOfFile: root + "proc/self/cgroup", encoding: .utf8) else { return nil }
        var lowest: Int?
        for line in groups.split(separator: "\n") {
            // number:controllers:path, where version 2 has the number 0 and no controllers.
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let (directory, file): (String, String)
            if fields[1].isEmpty {
                (directory, file) = ("sys/fs/cgroup", "memory.max")
            } else if fields[1].split(separator: ",").contains("memory") {
                (directory, file) = ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            } else {
                continue
            }
            var path = String(fields[2])
            while true {
                // In a container, the path may be that of the host, but the root of the hierarchy is always there.
                if let limit = number(in: "\(root)\(directory)\(path == "/" ? "" : path)/\(file)") {
                    lowest = min(lowest ?? limit, limit)
                }
                guard path.count > 1, let slash = path.lastIndex(of: "/") else { break }
                path = slash == path.startIndex ? "/" : String(path[..<slash])
            }
        }
        return lowest
    }

    /// Returns the number in a file. Nil if the file has none, as for "max".
    private static func number(in path: String) -> Int? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}

extension Settings {
    /// The limits of the hub. Without a setting, clients may use half of the memory that the daemon may use.
    var hubLimits: HubLimits {
        var limits = limits
        limits.memory = memory ?? MachineMemory.available / 2
        return limits
    }
}
