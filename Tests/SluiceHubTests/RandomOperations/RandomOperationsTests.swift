import Testing

/// Thousands of random operations of several clients on a few channels. After each one, the replies must keep the hub's
/// promises and the machine must keep its invariants. Nothing may be left when all clients have disconnected.
@Suite struct RandomOperationsTests {
    private static let seedsPerRun: UInt64 = 40

    @Test("Random operations lose and duplicate no message and leave nothing behind", arguments: 0..<UInt64(8))
    func nothingIsLostDuplicatedOrLeftBehind(run: UInt64) throws {
        for seed in (run * Self.seedsPerRun)..<((run + 1) * Self.seedsPerRun) {
            var clients = try RandomClients(seed: seed)
            for _ in 0..<250 where clients.faults.isEmpty { try clients.step() }
            if clients.faults.isEmpty { try clients.finish() }
            guard clients.faults.isEmpty else {
                Issue.record("seed \(seed): \(clients.faults)\n\(clients.story)")
                return
            }
        }
    }

    @Test(
        "Draining amid random operations answers every sender, with MAYBE only if a receiver has the message",
        arguments: 0..<UInt64(8))
    func drainingAnswersEverySender(run: UInt64) throws {
        for seed in (run * Self.seedsPerRun)..<((run + 1) * Self.seedsPerRun) {
            var clients = try RandomClients(seed: seed)
            for _ in 0..<150 where clients.faults.isEmpty { try clients.step() }
            clients.drain()
            for _ in 0..<Int(seed % 50) where clients.faults.isEmpty { try clients.step() }
            if clients.faults.isEmpty { clients.endDraining() }
            guard clients.faults.isEmpty else {
                Issue.record("seed \(seed): \(clients.faults)\n\(clients.story)")
                return
            }
        }
    }
}
