import SluiceRuntime
import Synchronization

/// What the threads of a run share.
final class RunState: Sendable {
    private struct SharedCounters {
        var isReady: [Bool]
        var drains: [Drain?]
        var beganAt = 0
        var endedAt = 0
        var serverAtBegin: Double?
        var serverAtEnd: Double?
        var generatorAtBegin = 0.0
        var generatorAtEnd = 0.0
        var waiting = 0
        var disconnects = 0

        func extras(of plan: RunPlan) -> [Figure] {
            var extras: [Figure] = []
            if plan.rate != nil { extras.append(Figure(name: "behind schedule", value: Double(waiting), unit: "")) }
            if plan.vandals > 0 { extras.append(Figure(name: "disconnects", value: Double(disconnects), unit: "")) }
            return extras
        }
    }

    /// The counters of a thread that is draining.
    private struct Drain {
        var sent: Int
        var received: Int
        var inFlight: Int
    }

    let collector: Collector
    private let counters: Lock<SharedCounters>
    private let server: ServerProcess?
    /// How many receivers get each message; nil for workloads without receivers.
    private let copies: Int?

    init(_ plan: RunPlan, _ collector: Collector) {
        self.collector = collector
        counters = Lock(
            SharedCounters(
                isReady: .init(repeating: false, count: plan.threads),
                drains: .init(repeating: nil, count: plan.threads)))
        server = plan.serverPID.map { ServerProcess($0) }
        copies = plan.workload.hasReceivers ? (plan.workload == .broadcast ? plan.receivers : 1) : nil
    }

    /// Records that a thread is ready, and returns whether all are.
    func markReady(_ thread: Int) -> Bool {
        counters.withLock {
            $0.isReady[thread] = true
            return $0.isReady.allSatisfy { $0 }
        }
    }

    /// Records a draining thread's counters, and returns whether, by the latest of all threads, everything was answered
    /// and has arrived.
    func isEverythingDone(_ thread: Int, sent: Int, received: Int, inFlight: Int) -> Bool {
        counters.withLock {
            $0.drains[thread] = Drain(sent: sent, received: received, inFlight: inFlight)
            var total = Drain(sent: 0, received: 0, inFlight: 0)
            for drain in $0.drains {
                guard let drain else { return false }
                total.sent += drain.sent
                total.received += drain.received
                total.inFlight += drain.inFlight
            }
            // The ledger reports messages that arrived too often.
            return total.inFlight == 0 && total.received >= total.sent * (copies ?? 0)
        }
    }

    /// Records the start of the measurement. The first thread reads the processor times of the generator and the
    /// server.
    func markBegin(_ thread: Int) {
        guard thread == 0 else { return }
        counters.withLock {
            $0.beganAt = MonotonicClock.nowNanoseconds
            $0.generatorAtBegin = MonotonicClock.processSeconds
            $0.serverAtBegin = server?.processorSeconds
        }
    }

    /// - Parameters:
    ///   - waiting: how many operations were due and have not begun.
    ///   - disconnects: how many bystanders disconnected.
    func markEnd(_ thread: Int, waiting: Int, disconnects: Int) {
        counters.withLock {
            $0.waiting += waiting
            $0.disconnects += disconnects
            guard thread == 0 else { return }
            $0.endedAt = MonotonicClock.nowNanoseconds
            $0.generatorAtEnd = MonotonicClock.processSeconds
            $0.serverAtEnd = server?.processorSeconds
        }
    }

    func secondsSinceBegin(_ now: Int) -> Double {
        counters.withLock { Double(max(0, now - $0.beganAt)) / 1e9 }
    }

    func result(of plan: RunPlan) -> RunResult {
        counters.withLock { counters in
            var serverSeconds: Double?
            if let begin = counters.serverAtBegin, let end = counters.serverAtEnd { serverSeconds = end - begin }
            return RunResult(
                workload: plan.workload.rawValue, target: plan.contestant.server, settings: plan.settings,
                unit: plan.workload.unit, seconds: Double(counters.endedAt - counters.beganAt) / 1e9,
                operations: collector.operations, errors: collector.errors, latency: collector.latency,
                timeline: collector.timeline, serverSeconds: serverSeconds,
                generatorSeconds: counters.generatorAtEnd - counters.generatorAtBegin,
                extras: counters.extras(of: plan))
        }
    }
}
