import Glibc
import Simulation

/// Simulates whole hubs, and exits with 1 if one breaks a promise.
@main
enum Simulate {
    static func main() async throws {
        guard let options = Options(CommandLine.arguments.dropFirst()) else {
            print(Options.usage)
            exit(64)
        }
        if options.listsMutants { return listMutants() }
        if let mutant = options.mutant { exit(try tryMutant(mutant, options) ? 0 : 1) }
        exit(try await simulate(options) ? 0 : 1)
    }

    /// Whether every seed passes.
    private static func simulate(_ options: Options) async throws -> Bool {
        let clock = ContinuousClock()
        let start = clock.now
        let result = try await Campaign(first: options.first, count: options.count).run()
        let seconds =
            Double((clock.now - start).components.seconds) + Double((clock.now - start).components.attoseconds) / 1e18
        print(
            "simulate: \(result.seeds) seeds, \(result.commands) commands, \(Int(Double(result.seeds) / seconds)) seeds/s, trace \(hexadecimal(result.digest))"
        )
        guard let failure = result.failure else {
            if options.tellsAll { try tell(options.first) }
            return true
        }
        print("simulate: FAILED with seed \(failure.seed), trace \(hexadecimal(failure.hash))")
        for fault in failure.faults.prefix(10) { print("  \(fault.rule): \(fault.text)") }
        fflush(nil)
        print("The smallest replay that was found:")
        for line in try failure.replay() ?? [] { print("  \(line)") }
        print("Again: make simulate SEED=\(failure.seed)")
        return false
    }

    private static func tell(_ seed: UInt64) throws {
        for line in try transcript(ofSeed: seed) { print(line) }
    }

    static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
