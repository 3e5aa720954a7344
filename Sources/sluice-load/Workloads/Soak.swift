import Foundation

/// Runs workloads that the seed chooses, one after the other, beside clients that disconnect. All messages are checked
/// as in any other run, and the figures show whether the server's memory grows.
struct Soak {
    private static let episodeSeconds = 1.0

    var base: RunPlan
    var seconds: Double
    /// How many episodes to run, in place of a time.
    var episodes: Int?
    var vandals: Int

    func carryOut(show: @escaping @Sendable (Interval) -> Void) throws(LoadFailure) -> RunResult {
        var random = SplitMix(seed: base.seed)
        let server = base.serverPID.map { ServerProcess($0) }
        let serverAtBegin = server?.processorSeconds
        let begin = MonotonicClock.nowNanoseconds
        var timeline: [Interval] = []
        var memory: [Double] = []
        var disconnects = 0
        func elapsed() -> Double { Double(MonotonicClock.nowNanoseconds - begin) / 1e9 }
        while episodes.map({ timeline.count < $0 }) ?? (elapsed() < seconds) {
            let result = try Run.carryOut(episode(timeline.count, &random))
            let interval = Interval(
                end: elapsed(), seconds: result.seconds, operations: result.operations, errors: result.errors,
                p50Nanoseconds: result.latency?.nanoseconds(at: 50), p99Nanoseconds: result.latency?.nanoseconds(at: 99)
            )
            timeline.append(interval)
            disconnects += Int(result.extras.first { $0.name == "disconnects" }?.value ?? 0)
            if let bytes = server?.residentBytes { memory.append(Double(bytes)) }
            show(interval)
        }
        var extras = [
            Figure(name: "episodes", value: Double(timeline.count), unit: ""),
            Figure(name: "disconnects", value: Double(disconnects), unit: ""),
        ]
        extras += Self.drift(memory)
        var serverSeconds: Double?
        if let serverAtBegin, let serverAtEnd = server?.processorSeconds { serverSeconds = serverAtEnd - serverAtBegin }
        return RunResult(
            workload: "soak", target: base.contestant.server,
            settings: [
                RunSetting(name: "vandals", value: "\(vandals)"), RunSetting(name: "seed", value: "\(base.seed)"),
            ],
            unit: "operations", seconds: elapsed(), operations: timeline.reduce(0) { $0 + $1.operations }, errors: 0,
            latency: nil, timeline: timeline, serverSeconds: serverSeconds,
            generatorSeconds: MonotonicClock.processSeconds, extras: extras)
    }

    private func episode(_ index: Int, _ random: inout SplitMix) -> RunPlan {
        let workloads: [Workload] = [
            .ping, .handoff, .worker, .lease, .call, .stream, .select, .fanIn, .fanOut, .broadcast, .barrier,
        ]
        var plan = base
        plan.workload = workloads[Int.random(in: 0..<workloads.count, using: &random)]
        let many = Int.random(in: 1...64, using: &random)
        let channels = Bool.random(using: &random) ? 1 : many
        (plan.senders, plan.receivers, plan.channels) =
            switch plan.workload {
            case .handoff, .worker, .lease, .call, .stream, .ping, .barrier, .connect: (many, many, channels)
            case .select: (4 * many, many, 4 * many)
            case .fanIn: (many, 1, 1)
            case .fanOut, .broadcast: (1, many, 1)
            }
        plan.depth = [1, 1, 4, 32][Int.random(in: 0..<4, using: &random)]
        if plan.workload == .barrier { plan.depth = 1 }
        plan.bodyBytes = [8, 16, 100, 5000][Int.random(in: 0..<4, using: &random)]
        plan.threads = min(base.threads, max(plan.senders, plan.receivers))
        plan.seed = random.next()
        plan.prefix = "\(base.prefix)/\(index)"
        plan.vandals = vandals
        if episodes == nil {
            plan.length = .time(seconds: min(Self.episodeSeconds, seconds), warmUpSeconds: 0)
        }
        return plan
    }

    /// Compares the server's memory in the last quarter of the run with the second: in the first, it still grows to its
    /// working size.
    private static func drift(_ memory: [Double]) -> [Figure] {
        guard let last = memory.last else { return [] }
        var figures = [Figure(name: "resident at the end", value: last, unit: "B")]
        if memory.count >= 8 {
            let quarter = memory.count / 4
            let early = memory[quarter..<2 * quarter].reduce(0, +) / Double(quarter)
            let late = memory.suffix(quarter).reduce(0, +) / Double(quarter)
            figures.append(Figure(name: "memory drift", value: 100 * (late / early - 1), unit: "%"))
        }
        return figures
    }
}
