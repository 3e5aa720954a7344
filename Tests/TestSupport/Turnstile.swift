import Dispatch
import Foundation

/// Lets a few bounded tests run at a time, and ends the process when only tests that hang are left.
final class Turnstile: @unchecked Sendable {
    // Sendable: `lock` guards everything that changes.

    static let shared = Turnstile(places: 2 * ProcessInfo.processInfo.activeProcessorCount)

    /// How long nothing may happen while tests hang; other tests may run that are not bounded.
    private static let idleLimit = DispatchTimeInterval.seconds(testSeconds.map { $0 / 3 } ?? 60)

    private let lock = NSLock()
    private var freePlaces: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var hanging = 0
    /// How many turns have begun, ended or been forfeited.
    private var changes = 0

    private init(places: Int) { freePlaces = places }

    /// The right to run one test.
    final class Turn: @unchecked Sendable {
        // Sendable: the turnstile's lock guards `state`.

        fileprivate enum State {
            case running, hanging, ended
        }

        fileprivate var state = State.running

        /// Notes that the test has ended.
        func end() { Turnstile.shared.end(self) }

        /// Notes that the test hangs: another one gets its place.
        func forfeit() { Turnstile.shared.forfeit(self) }
    }

    /// Waits for a free place; the longest waiting test is the next.
    func enter() async -> Turn {
        await withCheckedContinuation { continuation in
            let mayEnter = lock.withLock {
                changes += 1
                if freePlaces > 0 {
                    freePlaces -= 1
                    return true
                }
                waiting.append(continuation)
                return false
            }
            if mayEnter { continuation.resume() }
        }
        return Turn()
    }

    private func end(_ turn: Turn) {
        let next = lock.withLock {
            changes += 1
            defer { turn.state = .ended }
            guard turn.state == .hanging else { return giveUpPlace() }
            hanging -= 1
            return nil as CheckedContinuation<Void, Never>?
        }
        next?.resume()
    }

    private func forfeit(_ turn: Turn) {
        let next = lock.withLock {
            guard turn.state == .running else { return nil as CheckedContinuation<Void, Never>? }
            changes += 1
            turn.state = .hanging
            hanging += 1
            return giveUpPlace()
        }
        next?.resume()
        endProcessWhenIdle()
    }

    /// Frees a place, or passes it on to the test that is returned.
    private func giveUpPlace() -> CheckedContinuation<Void, Never>? {
        if waiting.isEmpty {
            freePlaces += 1
            return nil
        }
        return waiting.removeFirst()
    }

    /// Ends the process after a while in which no turn has begun or ended, while a test hangs.
    private func endProcessWhenIdle() {
        let before = lock.withLock { changes }
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.idleLimit) { [self] in
            let (isHanging, isIdle) = lock.withLock { (hanging > 0, changes == before) }
            guard isHanging else { return }
            guard isIdle else { return endProcessWhenIdle() }
            print("error: only tests that hang are left; their issues are above")
            fflush(nil)
            exit(EXIT_FAILURE)
        }
    }
}
