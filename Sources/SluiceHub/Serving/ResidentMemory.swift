import CMalloc
import SluiceRuntime

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The physical memory that this process occupies.
enum ResidentMemory {
    /// Returns free memory to the system.
    ///
    /// By itself, glibc returns only the free memory at the end of its heap: of 540 MB that a million parked operations
    /// took, 480 MB stayed after they had ended, and of 6 MB for 5 000 connections, 5 MB stayed. Returning the rest
    /// takes about 50 ms for half a gigabyte, so it happens only after such ebbs.
    static func returnToSystem() {
        cmalloc_give_back()
    }

    /// The size in bytes, read from `/proc/self/statm`. Nil on systems without that file.
    static var bytes: Int? {
        guard let file = fopen("/proc/self/statm", "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

/// Returns free memory to the system when clients have freed much, with pauses in between: other clients wait meanwhile.
///
/// Used only on the timekeeper's thread.
final class MemoryReturn: @unchecked Sendable {
    // Sendable: see above.

    /// A pause is this many times as long as it took to return memory before.
    private static let pauses: UInt64 = 4

    private var earliest: UInt64 = 0
    private var isPlanned = false

    func perform(on reactor: Reactor) {
        if isPlanned { return }
        let now = reactor.nowNanoseconds
        guard now < earliest else { return performNow(on: reactor) }
        isPlanned = true
        // Weak: pending work must not keep a reactor alive that has stopped.
        _ = reactor.call(after: .nanoseconds(Int64(clamping: earliest - now))) { [self, weak reactor] in
            isPlanned = false
            if let reactor { performNow(on: reactor) }
        }
    }

    private func performNow(on reactor: Reactor) {
        let begin = reactor.nowNanoseconds
        ResidentMemory.returnToSystem()
        let end = reactor.nowNanoseconds
        earliest = end &+ Self.pauses &* (end &- begin)
    }
}
