import ArgumentParser
import Foundation

/// How much, and for how long.
struct LoadOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long to measure.", valueName: "TIME"))
    var duration = Seconds(10)

    @Option(help: ArgumentHelp("How long to run before that; a tenth of it if left out.", valueName: "TIME"))
    var warmUp: Seconds?

    @Option(help: ArgumentHelp("So many operations and then the end, in place of a duration.", valueName: "N"))
    var operations: Int?

    @Option(
        help: ArgumentHelp(
            """
            Begin R operations a second, at even intervals, whatever becomes of them (an open loop). Latency counts from \
            the moment at which an operation was to begin, so a server that stands still is charged with all that it has \
            held up: that corrects coordinated omission. Without it, each answer has the next operation begin.
            """, valueName: "R"))
    var rate: Double?

    @Option(help: ArgumentHelp("Operations of a connection that are on their way at a time.", valueName: "N"))
    var depth: Int?

    @Option(help: ArgumentHelp("Bytes of a message, at least \(MessagePattern.headBytes).", valueName: "BYTES"))
    var body: Int?

    @Option(
        help: ArgumentHelp(
            "Threads of this program. One can keep a server busy that has a core; on two cores, leave it the other.",
            valueName: "N"))
    var threads = max(1, ProcessInfo.processInfo.activeProcessorCount / 2)

    @Option(
        help: ArgumentHelp(
            "With nothing done for so long, the run has failed: what has not come by then is lost.", valueName: "TIME"))
    var patience = Seconds(10)

    @Option(help: ArgumentHelp("What messages are filled with follows from it.", valueName: "N"))
    var seed: UInt64 = 1

    func validate() throws {
        func require(_ isFine: Bool, _ rule: String) throws { if !isFine { throw ValidationError(rule) } }
        try require(duration.value > 0, "--duration is more than 0")
        try require(patience.value > 0, "--patience is more than 0")
        try require(operations ?? 1 > 0, "--operations is at least 1")
        try require(operations == nil || warmUp == nil, "--operations has no warm-up")
        try require(rate ?? 1 > 0 && rate ?? 1 <= 1e9, "--rate is more than 0, and at most 1e9")
        try require((1...1024).contains(depth ?? 1), "--depth is from 1 to 1024")
        try require(
            (MessagePattern.headBytes...1 << 20).contains(body ?? 16),
            "--body is from \(MessagePattern.headBytes) to \(1 << 20)")
        try require((1...256).contains(threads), "--threads is from 1 to 256")
    }

    var length: Plan.Length {
        if let operations { return .operations(operations) }
        return .time(seconds: duration.value, warmUpSeconds: warmUp?.value ?? duration.value / 10)
    }
}

/// What every workload takes.
struct CommonOptions: ParsableArguments {
    @OptionGroup(title: "Server") var server: ServerOptions
    @OptionGroup(title: "Load") var load: LoadOptions
    @OptionGroup(title: "Output") var output: OutputOptions
}

/// A time as it is typed: `2`, `0.5`, `500ms`, `10s`, `5m` or `1h`.
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
