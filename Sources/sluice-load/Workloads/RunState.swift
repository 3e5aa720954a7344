import SluiceRuntime
import Synchronization

/// What the threads of a run know of each other.
final class RunState: Sendable {
    private struct Content {
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

        func extras(of plan: Plan) -> [Figure] {
            var extras: [Figure] = []
            if plan.rate != nil { extras.append(Figure(name: "behind schedule", value: Double(waiting), unit: "")) }
            if plan.vandals > 0 { extras.append(Figure(name: "disconnects", value: Double(disconnects), unit: "")) }
            return extras
        }
    }

    /// How far a thread is that begins nothing any more.
    private struct Drain {
        var sent: Int
        var received: Int
        var isOnItsWay: Int
    }

    let collector: Collector
    private let content: Lock<Content>
    private let server: ServerProcess?
    /// How many receivers get each message; nil where nobody receives.
    private let copies: Int?

    init(_ plan: Plan, _ collector: Collector) {
        self.collector = collector
        content = Lock(
            Content(
                isReady: .init(repeating: false, count: plan.threads),
                drains: .init(repeating: nil, count: plan.threads)))
        server = plan.serverPID.map { ServerProcess($0) }
        copies = plan.workload.hasReceivers ? (plan.workload == .broadcast ? plan.receivers : 1) : nil
    }

    func isEverybodyReady(_ thread: Int) -> Bool {
        content.withLock {
            $0.isReady[thread] = true
            return $0.isReady.allSatisfy { $0 }
        }
    }

    /// Whether, by what the threads have said last, everything was answered and has arrived.
    func isEverythingDone(_ thread: Int, sent: Int, received: Int, isOnItsWay: Int) -> Bool {
        content.withLock {
            $0.drains[thread] = Drain(sent: sent, received: received, isOnItsWay: isOnItsWay)
            var total = Drain(sent: 0, received: 0, isOnItsWay: 0)
            for drain in $0.drains {
                guard let drain else { return false }
                total.sent += drain.sent
                total.received += drain.received
                total.isOnItsWay += drain.isOnItsWay
            }
            // More than that is for the account to complain of.
            return total.isOnItsWay == 0 && total.received >= total.sent * (copies ?? 0)
        }
    }

    /// The first thread speaks for the process, and for the server.
    func begins(_ thread: Int) {
        guard thread == 0 else { return }
        content.withLock {
            $0.beganAt = MonotonicClock.nowNanoseconds
            $0.generatorAtBegin = MonotonicClock.processSeconds
            $0.serverAtBegin = server?.processorSeconds
        }
    }

    /// - Parameters:
    ///   - waiting: how many operations were due and have not begun.
    ///   - disconnects: how many connections have failed, as they were to.
    func ends(_ thread: Int, waiting: Int, disconnects: Int) {
        content.withLock {
            $0.waiting += waiting
            $0.disconnects += disconnects
            guard thread == 0 else { return }
            $0.endedAt = MonotonicClock.nowNanoseconds
            $0.generatorAtEnd = MonotonicClock.processSeconds
            $0.serverAtEnd = server?.processorSeconds
        }
    }

    func secondsSinceBegin(_ now: Int) -> Double {
        content.withLock { Double(max(0, now - $0.beganAt)) / 1e9 }
    }

    func result(of plan: Plan) -> RunResult {
        content.withLock { content in
            var serverSeconds: Double?
            if let begin = content.serverAtBegin, let end = content.serverAtEnd { serverSeconds = end - begin }
            return RunResult(
                workload: plan.workload.rawValue, target: plan.contestant.server, settings: plan.settings,
                unit: plan.workload.unit, seconds: Double(content.endedAt - content.beganAt) / 1e9,
                operations: collector.operations, errors: collector.errors, latency: collector.latency,
                timeline: collector.timeline, serverSeconds: serverSeconds,
                generatorSeconds: content.generatorAtEnd - content.generatorAtBegin,
                extras: content.extras(of: plan))
        }
    }
}
