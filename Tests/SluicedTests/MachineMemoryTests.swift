import Foundation
import Testing

@testable import sluiced

/// The memory limit of the control group, read from files as Linux shows them.
@Suite struct MachineMemoryTests {
    @Test(
        "The limit is the lowest of the group and those above it, in either version of control groups",
        arguments: [
            ("0::/a/b\n", ["sys/fs/cgroup/a/b/memory.max": "max", "sys/fs/cgroup/a/memory.max": "4096"], 4096),
            ("0::/a/b\n", ["sys/fs/cgroup/a/b/memory.max": "10", "sys/fs/cgroup/a/memory.max": "4096"], 10),
            // A container whose path is that of the host.
            ("0::/host/path\n", ["sys/fs/cgroup/memory.max": "512"], 512),
            ("0::/\n", ["sys/fs/cgroup/memory.max": "max"], nil),
            (
                "5:cpu,memory:/a\n4:pids:/a\n",
                ["sys/fs/cgroup/memory/a/memory.limit_in_bytes": "77", "sys/fs/cgroup/memory.max": "1"], 77
            ),
            ("", [:], nil),
        ] as [(String, [String: String], Int?)])
    func groupLimit(groups: String, files: [String: String], limit: Int?) throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "sluiced-groups-\(UUID())/")
        defer { try? FileManager.default.removeItem(at: root) }
        for (path, text) in files.merging(["proc/self/cgroup": groups], uniquingKeysWith: { $1 }) {
            let file = root.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try (text + (path.hasPrefix("proc") ? "" : "\n")).write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(MachineMemory.groupLimit(at: root.path()) == limit)
    }

    @Test("The machine has memory") func available() { #expect(MachineMemory.available > 1 << 20) }
}
