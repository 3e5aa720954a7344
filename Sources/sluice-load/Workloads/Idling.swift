import Glibc

/// What connections cost a server that do nothing, by what its memory grows by when there are many.
struct Idling {
    /// So many connections come and go first, so that what a server makes once is not counted.
    private static let warmUpConnections = 20
    /// A server's memory counts when it has been the same for two looks, and, with the connections, not before these have
    /// been idle for so long: Redis, for one, takes back their buffers after two seconds.
    private static let lookMicroseconds: UInt32 = 300_000
    private static let restingLooks = 10
    private static let mostLooks = 20

    var contestant: Contestant
    var address: ServerAddress
    var server: ServerProcess
    var connections: Int
    /// Whether each of them waits for a message.
    var isParked: Bool

    /// The bytes a connection; `then` is called while they are there.
    func measure(_ base: Plan, then: () throws(LoadFailure) -> Void = {}) throws(LoadFailure) -> RunResult {
        try gathered(base, Self.warmUpConnections).dismiss()
        let before = try residentBytes(afterLooks: 0)
        let begin = MonotonicClock.nowNanoseconds
        let crew = try gathered(base, connections)
        let seconds = Double(MonotonicClock.nowNanoseconds - begin) / 1e9
        let bytes = Double(try residentBytes(afterLooks: Self.restingLooks) - before) / Double(connections)
        try then()
        crew.dismiss()
        return RunResult(
            workload: isParked ? "parked" : "idle", target: contestant.server,
            settings: [Setting(name: "connections", value: "\(connections)")], unit: "connections", seconds: seconds,
            operations: connections, errors: 0, latency: nil, timeline: [], serverSeconds: nil,
            generatorSeconds: MonotonicClock.processSeconds,
            extras: [Figure(name: "bytes a connection", value: bytes, unit: "B")])
    }

    private func residentBytes(afterLooks resting: Int) throws(LoadFailure) -> Int {
        var last: Int?
        for look in 0..<Self.mostLooks {
            usleep(Self.lookMicroseconds)
            guard let bytes = server.residentBytes else {
                throw LoadFailure("the server's process is not on this machine: see --server-pid")
            }
            if look >= resting, bytes == last { break }
            last = bytes
        }
        return last ?? 0
    }

    /// Connections that are there: to receive, each from a channel of its own, or to send nothing.
    private func gathered(_ base: Plan, _ count: Int) throws(LoadFailure) -> Crew {
        var plan = base
        plan.workload = contestant == .sluice ? .handoff : .stream
        if contestant == .beanstalkd { plan.workload = .lease }
        (plan.contestant, plan.address, plan.threads) = (contestant, address, 1)
        (plan.senders, plan.receivers, plan.channels) = isParked ? (0, count, count) : (count, 0, 1)
        let pattern = MessagePattern(bodyBytes: plan.bodyBytes, seed: plan.seed)
        let crew = try Crew(plan, thread: 0, pattern, RunState(plan, Collector(threads: 1) { _ in }))
        try Cast(plan, pattern).fill(crew)
        try crew.gather()
        return crew
    }
}
