import Glibc
import Simulation
import SluiceRuntime
import Synchronization

/// Simulates many seeds on all processors, until one fails.
final class Campaign: Sendable {
    private let next: Atomic<UInt64>
    private let end: UInt64
    private let result = Lock(Result())

    struct Result: Sendable {
        var seeds = 0
        var commands = 0
        /// Combines the hashes of all traces, in any order.
        var digest: UInt64 = 0
        /// The verdict on the lowest failing seed of those that were simulated.
        var failure: Verdict?
    }

    init(first: UInt64, count: UInt64) {
        next = Atomic(first)
        end = first &+ count
    }

    func run() async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) { group.addTask { try self.work() } }
            try await group.waitForAll()
        }
        return result.withLock { $0 }
    }

    private func work() throws {
        while true {
            let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard seed < end, result.withLock({ $0.failure == nil }) else { return }
            enter(try Verdict(ofSeed: seed))
        }
    }

    private func enter(_ verdict: Verdict) {
        result.withLock { result in
            result.seeds += 1
            result.commands += verdict.commands
            result.digest &+= verdict.hash &* (2 &* verdict.seed &+ 1)
            guard !verdict.faults.isEmpty, verdict.seed < result.failure?.seed ?? .max else { return }
            result.failure = verdict
        }
    }
}
