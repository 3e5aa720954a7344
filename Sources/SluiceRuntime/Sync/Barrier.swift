import Synchronization

/// A place where a number of tasks wait for each other, again and again.
///
/// When the last of them arrives, all continue, and the barrier is ready for the next round. After JCSP's `Barrier`.
public final class Barrier: Sendable {
    private struct Round {
        var arrived = 0
        var gate: Event
    }

    /// The number of tasks that wait for each other.
    public let parties: Int
    /// The barrier's name in reports.
    public let name: String
    private let round: Lock<Round>

    /// Creates a barrier.
    ///
    /// - Parameters:
    ///   - parties: the number of tasks, at least 1.
    ///   - name: shown in reports.
    public init(parties: Int, name: String = "") {
        precondition(parties >= 1, "parties must be at least 1, and is \(parties)")
        self.parties = parties
        self.name = name
        round = Lock(Round(gate: Event(isSet: false, name: name, role: .barrier)))
    }

    /// The number of tasks that wait at the barrier.
    public var waitingCount: Int { round.withLock { $0.arrived } }

    /// Waits until as many tasks have arrived as the barrier has parties. A task whose wait is cut short has not
    /// arrived: the others wait for another one.
    ///
    /// - Parameter timeout: the longest time to wait; nil waits without a limit.
    /// - Returns: how many tasks arrived before this one, from 0 to `parties - 1`, so that one of them can do something
    ///   for all.
    /// - Throws: `.timedOut` or `.cancelled` when the wait was cut short.
    @discardableResult
    public func arriveAndWait(timeout: Duration? = nil) async throws(SluiceError) -> Int {
        let (place, gate) = round.withLock { round in
            let arrival = (round.arrived, round.gate)
            round.arrived += 1
            if round.arrived == parties {
                round = Round(gate: Event(isSet: false, name: name, role: .barrier))
            }
            return arrival
        }
        if place == parties - 1 {
            gate.set()
            return place
        }
        do throws(SluiceError) {
            try await gate.wait(timeout: timeout)
        } catch {
            let hasLeft = round.withLock { round in
                guard round.gate === gate else { return false }
                round.arrived -= 1
                return true
            }
            // The last task arrived at the same moment.
            if hasLeft { throw error }
        }
        return place
    }
}
