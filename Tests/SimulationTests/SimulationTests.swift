import Simulation
import TestSupport
import Testing

/// A few seeds of the simulation. `make simulate` plays thousands.
@Suite("Simulation", .bounded) struct SimulationTests {
    private static let seedsPerRun: UInt64 = 25

    @Test("The hub keeps its promises in simulations", arguments: 0..<UInt64(8))
    func theHubKeepsItsPromises(run: UInt64) throws {
        for seed in (1 + run * Self.seedsPerRun)...((run + 1) * Self.seedsPerRun) where !Plan.isCrowd(seed: seed) {
            let verdict = try Verdict(ofSeed: seed)
            guard !verdict.faults.isEmpty else { continue }
            Issue.record("seed \(seed): \(verdict.faults)\n\(try verdict.replay()?.joined(separator: "\n") ?? "")")
            return
        }
    }

    @Test("The same seed gives the same trace")
    func theSameSeedGivesTheSameTrace() throws {
        for seed in UInt64(1)...10 {
            let (first, second) = (try Verdict(ofSeed: seed), try Verdict(ofSeed: seed))
            #expect(first.hash == second.hash)
            #expect(first.commands == second.commands)
        }
    }

    @Test("Different seeds give different traces")
    func differentSeedsGiveDifferentTraces() throws {
        let hashes = try (UInt64(1)...10).map { try Verdict(ofSeed: $0).hash }
        #expect(Set(hashes).count == hashes.count)
    }
}
