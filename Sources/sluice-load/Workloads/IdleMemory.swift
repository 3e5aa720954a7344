import Glibc

/// Measures a server's memory for each idle or waiting connection: by how much it grows with many of them.
struct IdleMemory {
    /// How many connections to open and close first, so that what a server allocates once is not counted.
    private static let warmUpConnections = 20
    /// A server's memory is read until two samples are equal; with the connections open, not before they have been idle
    /// for some samples, since Redis frees their buffers after two seconds.
    private static let sampleMicroseconds: UInt32 = 300_000
    private static let idleSamples = 10
    private static let mostSamples = 20

    var contestant: Contestant
    var address: ServerAddress
    var server: ServerProcess
    var connections: Int
    /// Whether each connection waits for a message.
    var isParked: Bool

    /// Measures the bytes for each connection. `then` is called while the connections are open.
    func measure(_ base: RunPlan, then: () throws(LoadFailure) -> Void = {}) throws(LoadFailure) -> RunResult {
        try connectedThread(base, Self.warmUpConnections).disconnect()
        let before = try residentBytes(afterSamples: 0)
        let begin = MonotonicClock.nowNanoseconds
        let thread = try connectedThread(base, connections)
        let seconds = Double(MonotonicClock.nowNanoseconds - begin) / 1e9
        let bytes = Double(try residentBytes(afterSamples: Self.idleSamples) - before) / Double(connections)
        try then()
        thread.disconnect()
        return RunResult(
            workload: isParked ? "parked" : "idle", target: contestant.server,
            settings: [RunSetting(name: "connections", value: "\(connections)")], unit: "connections", seconds: seconds,
            operations: connections, errors: 0, latency: nil, timeline: [], serverSeconds: nil,
            generatorSeconds: MonotonicClock.processSeconds,
            extras: [Figure(name: "bytes a connection", value: bytes, unit: "B")])
    }

    private func residentBytes(afterSamples least: Int) throws(LoadFailure) -> Int {
        var last: Int?
        for sample in 0..<Self.mostSamples {
            usleep(Self.sampleMicroseconds)
            guard let bytes = server.residentBytes else {
                throw LoadFailure("cannot read the memory of the server's process: pass --server-pid")
            }
            if sample >= least, bytes == last { break }
            last = bytes
        }
        return last ?? 0
    }

    /// Returns a thread whose connections are open: receivers, each on its own channel, or senders that send nothing.
    private func connectedThread(_ base: RunPlan, _ count: Int) throws(LoadFailure) -> LoadThread {
        var plan = base
        plan.workload = contestant == .sluice ? .handoff : .stream
        if contestant == .beanstalkd { plan.workload = .lease }
        (plan.contestant, plan.address, plan.threads) = (contestant, address, 1)
        (plan.senders, plan.receivers, plan.channels) = isParked ? (0, count, count) : (count, 0, 1)
        let pattern = MessagePattern(bodyBytes: plan.bodyBytes, seed: plan.seed)
        let thread = try LoadThread(plan, index: 0, pattern, RunState(plan, Collector(threads: 1) { _ in }))
        try ConnectionMaker(plan, pattern).addConnections(to: thread)
        try thread.connect()
        return thread
    }
}
