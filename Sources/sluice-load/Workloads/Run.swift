import Foundation
import Synchronization

/// Carries out a plan: its threads, their accounts, and what they have measured.
enum Run {
    /// - Parameter show: told of each part of the run, on any thread.
    /// - Throws: when something has come that was not to come, or has not that was.
    static func carryOut(
        _ plan: Plan, show: @escaping @Sendable (Interval) -> Void = { _ in }
    ) throws(LoadFailure) -> RunResult {
        let state = RunState(plan, Collector(threads: plan.threads, show: show))
        let pattern = MessagePattern(bodyBytes: plan.bodyBytes, seed: plan.seed)
        let outcomes = Mutex<[Result<Account, LoadFailure>]>([])
        let others = (1..<plan.threads).map { thread in
            Worker {
                let outcome = self.outcome(plan, thread, pattern, state)
                outcomes.withLock { $0.append(outcome) }
            }
        }
        let own = outcome(plan, 0, pattern, state)
        for other in others { other.join() }

        var account = Account()
        for outcome in outcomes.withLock({ $0 }) + [own] { account.add(try outcome.get()) }
        if plan.workload == .broadcast {
            try account.checkEachByAll()
        } else if plan.workload.hasReceivers {
            try account.checkEachOnce()
        }
        return state.result(of: plan)
    }

    private static func outcome(
        _ plan: Plan, _ thread: Int, _ pattern: MessagePattern, _ state: RunState
    ) -> Result<Account, LoadFailure> {
        do throws(LoadFailure) {
            let crew = try Crew(plan, thread: thread, pattern, state)
            try Cast(plan, pattern).fill(crew)
            return .success(try crew.run())
        } catch {
            return .failure(error)
        }
    }
}

/// A thread that runs one piece of work.
final class Worker: Sendable {
    private let isDone = DispatchSemaphore(value: 0)

    init(_ work: @escaping @Sendable () -> Void) {
        Thread.detachNewThread { [isDone] in
            work()
            isDone.signal()
        }
    }

    func join() { isDone.wait() }
}
