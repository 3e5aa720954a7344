import Foundation
import SluiceRuntime
import Synchronization

/// Carries out a plan on its threads, and checks what was received.
enum Run {
    /// - Parameter show: called with each interval of the run, on any thread.
    /// - Throws: the first failure, including messages that are lost, duplicated, out of order or changed.
    static func carryOut(
        _ plan: RunPlan, show: @escaping @Sendable (Interval) -> Void = { _ in }
    ) throws(LoadFailure) -> RunResult {
        let state = RunState(plan, Collector(threads: plan.threads, show: show))
        let pattern = MessagePattern(bodyBytes: plan.bodyBytes, seed: plan.seed)
        // In the order in which threads finish, so that the first failure is reported and not one that it caused.
        let outcomes = Lock<[Result<DeliveryLedger, LoadFailure>]>([])
        let isDone = DispatchGroup()
        for _ in 0..<plan.threads { isDone.enter() }
        let work: @Sendable (Int) -> Void = { index in
            let made = Result { () throws(LoadFailure) in try makeThread(plan, index, pattern, state) }
            let outcome = made.flatMap { thread in Result { () throws(LoadFailure) in try thread.run() } }
            outcomes.withLock { $0.append(outcome) }
            isDone.leave()
            // A farewell may disturb the connections of threads that are not done yet.
            isDone.wait()
            if case .success(let thread) = made { thread.disconnect() }
        }
        let others = (1..<plan.threads).map { index in WorkerThread { work(index) } }
        work(0)
        for other in others { other.join() }

        var ledger = DeliveryLedger()
        for outcome in outcomes.withLock({ $0 }) { ledger.merge(try outcome.get()) }
        if plan.workload == .broadcast {
            try ledger.checkEachByAll()
        } else if plan.workload.hasReceivers {
            try ledger.checkEachOnce()
        }
        return state.result(of: plan)
    }

    private static func makeThread(
        _ plan: RunPlan, _ index: Int, _ pattern: MessagePattern, _ state: RunState
    ) throws(LoadFailure) -> LoadThread {
        let thread = try LoadThread(plan, index: index, pattern, state)
        try ConnectionMaker(plan, pattern).addConnections(to: thread)
        return thread
    }
}

/// A thread that runs one closure, and can be waited for.
final class WorkerThread: Sendable {
    private let isDone = DispatchSemaphore(value: 0)

    init(_ work: @escaping @Sendable () -> Void) {
        Thread.detachNewThread { [isDone] in
            work()
            isDone.signal()
        }
    }

    func join() { isDone.wait() }
}
