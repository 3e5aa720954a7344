import BuildVersion
import Glibc
import Simulation

/// Simulates whole hubs, and exits with status 1 if one breaks a promise.
@main
enum Simulate {
    static func main() async throws {
        guard let options = Options(CommandLine.arguments.dropFirst()) else {
            print(Options.usage)
            exit(64)
        }
        if options.showsVersion { return print(buildVersion()) }
        let hasPassed = try options.stopsAtFirstFailure ? findFirstFailure(options) : await simulate(options)
        exit(hasPassed ? 0 : 1)
    }

    /// Simulates the seeds in order, on one processor. Prints the first failure: `make mutants` reads that line.
    ///
    /// - Returns: whether every seed passes.
    private static func findFirstFailure(_ options: Options) throws -> Bool {
        for seed in options.first..<(options.first + options.count) {
            guard let fault = try Verdict(ofSeed: seed).faults.first else { continue }
            print("seed \(seed): \(fault.rule): \(fault.text.prefix(90))")
            return false
        }
        return true
    }

    /// Simulates the seeds on all processors. Prints a summary, and the smallest replay of a failure.
    ///
    /// - Returns: whether every seed passes.
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
            if options.showsAll { try show(options.first) }
            return true
        }
        print("simulate: FAILED with seed \(failure.seed), trace \(hexadecimal(failure.hash))")
        for fault in failure.faults.prefix(10) { print("  \(fault.rule): \(fault.text)") }
        fflush(nil)
        print("The smallest replay found:")
        for line in try failure.replay() ?? [] { print("  \(line)") }
        print("To play it again: make simulate SEED=\(failure.seed)")
        return false
    }

    private static func show(_ seed: UInt64) throws {
        for line in try transcript(ofSeed: seed) { print(line) }
    }

    static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
