import ArgumentParser
import Foundation

/// The options of every workload.
struct CommonOptions: ParsableArguments {
    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Load") var load: LoadOptions
    @OptionGroup(title: "Output") var output: OutputOptions
}

/// How much load, and for how long.
struct LoadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long to measure.", valueName: "TIME"))
    var duration = Seconds(10)

    @Option(
        help: ArgumentHelp("How long to run before measuring; by default a tenth of the duration.", valueName: "TIME"))
    var warmUp: Seconds?

    @Option(help: ArgumentHelp("Run this many operations instead of a duration.", valueName: "N"))
    var operations: Int?

    @Option(
        help: ArgumentHelp(
            """
            Begin R operations a second, at even intervals, however long each takes (an open loop). Latency counts from \
            the time at which an operation was due, so a stall of the server delays every operation due during the stall: \
            this avoids coordinated omission. Without --rate, each answer starts the next operation.
            """, valueName: "R"))
    var rate: Double?

    @Option(help: ArgumentHelp("How many operations of a connection are in flight at a time.", valueName: "N"))
    var depth: Int?

    @Option(help: ArgumentHelp("Bytes of a message, at least \(MessagePattern.headBytes).", valueName: "BYTES"))
    var body: Int?

    @Option(
        help: ArgumentHelp(
            """
            Threads of this program, by default half of the processor's cores. One thread can keep one core of a server \
            busy.
            """, valueName: "N"))
    var threads = max(1, ProcessInfo.processInfo.activeProcessorCount / 2)

    @Option(
        help: ArgumentHelp(
            "Fail the run after this long without progress: missing messages count as lost.", valueName: "TIME"))
    var patience = Seconds(10)

    @Option(help: ArgumentHelp("The seed of the messages' content.", valueName: "N"))
    var seed: UInt64 = 1

    func validate() throws {
        func require(_ isValid: Bool, _ rule: String) throws { if !isValid { throw ValidationError(rule) } }
        try require(duration.value > 0, "--duration must be more than 0")
        try require(patience.value > 0, "--patience must be more than 0")
        try require(operations ?? 1 > 0, "--operations must be at least 1")
        try require(operations == nil || warmUp == nil, "--warm-up cannot be combined with --operations")
        try require(rate ?? 1 > 0 && rate ?? 1 <= 1e9, "--rate must be more than 0 and at most 1e9")
        try require((1...1024).contains(depth ?? 1), "--depth must be from 1 to 1024")
        try require(
            (MessagePattern.headBytes...1 << 20).contains(body ?? 16),
            "--body must be from \(MessagePattern.headBytes) to \(1 << 20)")
        try require((1...256).contains(threads), "--threads must be from 1 to 256")
    }

    var length: RunPlan.Length {
        if let operations { return .operations(operations) }
        return .time(seconds: duration.value, warmUpSeconds: warmUp?.value ?? duration.value / 10)
    }
}

/// A time argument: `2`, `0.5`, `500ms`, `10s`, `5m` or `1h`.
struct Seconds: ExpressibleByArgument, Hashable, Sendable {
    let value: Double

    init(_ value: Double) { self.value = value }

    init?(argument: String) {
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("", 1)]
        guard let (unit, factor) = units.first(where: { argument.hasSuffix($0.0) }),
            let number = Double(argument.dropLast(unit.count)), number.isFinite, number >= 0
        else { return nil }
        value = number * factor
    }

    var defaultValueDescription: String { "\(value) s" }
}
