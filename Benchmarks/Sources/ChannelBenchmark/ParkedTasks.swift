import Glibc
import Synchronization

/// Tasks that park on one channel, with counts of those that have started and ended.
final class ParkedTasks<Channel: Sendable>: Sendable {
    let channel: Channel
    let started = Atomic<Int>(0)
    let ended = Atomic<Int>(0)

    init(on channel: Channel) {
        self.channel = channel
    }

    func countStart() { started.wrappingAdd(1, ordering: .relaxed) }

    func countEnd() { ended.wrappingAdd(1, ordering: .relaxed) }

    /// Lets other tasks run until `count` have started.
    func untilStarted(_ count: Int) async {
        while started.load(ordering: .relaxed) < count { await Task.yield() }
    }

    /// Lets other tasks run until `count` have ended.
    func untilEnded(_ count: Int) async {
        while ended.load(ordering: .relaxed) < count { await Task.yield() }
    }
}

/// Returns the resident memory of this process in bytes.
func residentBytes() -> Int {
    let statm = open("/proc/self/statm", O_RDONLY)
    defer { close(statm) }
    var text = [UInt8](repeating: 0, count: 128)
    let count = max(0, read(statm, &text, text.count))
    let fields = String(decoding: text[..<count], as: UTF8.self).split(separator: " ")
    guard fields.count > 1, let residentPages = Int(fields[1]) else { return 0 }
    return residentPages * sysconf(Int32(_SC_PAGESIZE))
}
