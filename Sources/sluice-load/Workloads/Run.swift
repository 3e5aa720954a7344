import Foundation
import SluiceRuntime
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
        // In the order in which they come, so that the first failure is told, and not what another thread made of it.
        let outcomes = Lock<[Result<Account, LoadFailure>]>([])
        let isDone = DispatchGroup()
        for _ in 0..<plan.threads { isDone.enter() }
        let work: @Sendable (Int) -> Void = { thread in
            let made = Result { () throws(LoadFailure) in try crew(plan, thread, pattern, state) }
            let outcome = made.flatMap { crew in Result { () throws(LoadFailure) in try crew.run() } }
            outcomes.withLock { $0.append(outcome) }
            isDone.leave()
            // What one says on leaving must not reach another one that is still there.
            isDone.wait()
            if case .success(let crew) = made { crew.dismiss() }
        }
        let others = (1..<plan.threads).map { thread in Worker { work(thread) } }
        work(0)
        for other in others { other.join() }

        var account = Account()
        for outcome in outcomes.withLock({ $0 }) { account.add(try outcome.get()) }
        if plan.workload == .broadcast {
            try account.checkEachByAll()
        } else if plan.workload.hasReceivers {
            try account.checkEachOnce()
        }
        return state.result(of: plan)
    }

    private static func crew(
        _ plan: Plan, _ thread: Int, _ pattern: MessagePattern, _ state: RunState
    ) throws(LoadFailure) -> Crew {
        let crew = try Crew(plan, thread: thread, pattern, state)
        try Cast(plan, pattern).fill(crew)
        return crew
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
