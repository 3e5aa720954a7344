import Glibc

/// What connections cost a server that do nothing, by what its memory grows by when there are many.
struct Idling {
    /// So many connections come and go first, so that what a server makes once is not counted.
    private static let warmUpConnections = 20
    private static let settlingMicroseconds: UInt32 = 300_000

    var contestant: Contestant
    var address: ServerAddress
    var server: ServerProcess
    var connections: Int
    /// Whether each of them waits for a message.
    var isParked: Bool

    /// The bytes a connection.
    func measure(_ base: Plan) throws(LoadFailure) -> RunResult {
        let needed = connections + 100
        guard needed <= DescriptorLimit.current else {
            throw LoadFailure(
                "\(connections) connections need \(needed) descriptors; there may be \(DescriptorLimit.current)")
        }
        try gathered(base, Self.warmUpConnections).dismiss()
        usleep(Self.settlingMicroseconds)
        let before = try residentBytes()
        let begin = MonotonicClock.nowNanoseconds
        let crew = try gathered(base, connections)
        let seconds = Double(MonotonicClock.nowNanoseconds - begin) / 1e9
        usleep(Self.settlingMicroseconds)
        let bytes = Double(try residentBytes() - before) / Double(connections)
        crew.dismiss()
        return RunResult(
            workload: isParked ? "parked" : "idle", target: contestant.server,
            settings: [Setting(name: "connections", value: "\(connections)")], unit: "connections", seconds: seconds,
            operations: connections, errors: 0, latency: nil, timeline: [], serverSeconds: nil,
            generatorSeconds: MonotonicClock.processSeconds,
            extras: [Figure(name: "bytes a connection", value: bytes, unit: "B")])
    }

    private func residentBytes() throws(LoadFailure) -> Int {
        guard let bytes = server.residentBytes else {
            throw LoadFailure("the server's process is not on this machine, or is somebody else's: see --server-pid")
        }
        return bytes
    }

    /// Connections that are there: to receive, each from a channel of its own, or to send nothing.
    private func gathered(_ base: Plan, _ count: Int) throws(LoadFailure) -> Crew {
        var plan = base
        plan.workload = contestant == .sluice ? .handoff : .stream
        if contestant == .beanstalkd { plan.workload = .lease }
        (plan.contestant, plan.address, plan.threads) = (contestant, address, 1)
        (plan.senders, plan.receivers, plan.channels) = isParked ? (0, count, count) : (count, 0, count)
        let pattern = MessagePattern(bodyBytes: plan.bodyBytes, seed: plan.seed)
        let crew = try Crew(plan, thread: 0, pattern, RunState(plan, Collector(threads: 1) { _ in }))
        try Cast(plan, pattern).fill(crew)
        try crew.gather()
        return crew
    }
}
