import Glibc
import Simulation
let seed = UInt64(CommandLine.arguments.dropFirst().first ?? "1") ?? 1
let count = UInt64(CommandLine.arguments.dropFirst(2).first ?? "1") ?? 1
let clock = ContinuousClock()
let begin = clock.now
for seed in seed..<(seed + count) {
    let start = clock.now
    let history = try simulate(seed: seed)
    let middle = clock.now
    let faults = Checker.faults(in: history)
    let end = clock.now
    fflush(nil)
    if end - start > .milliseconds(100) { print(seed, "took", middle - start, end - middle) }
    if !faults.isEmpty { print(seed, String(history.hash, radix: 16), faults.prefix(4)) }
    if count == 1 { print(Transcript(of: history).lines.joined(separator: "\n")) }
}
print(clock.now - begin)
