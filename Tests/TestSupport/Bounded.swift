import Dispatch
import Foundation
public import Testing

/// Keeps a test that hangs from holding up the others.
///
/// Each test of the suite runs on two threads of its own. It may block them, as `Reactor.run` does, without taking a thread
/// from Swift's pool, which has one for each core. A test that takes too long fails and is cancelled, while the others go
/// on. When only such tests are left, the process ends.
public struct Bounded: SuiteTrait, TestTrait, TestScoping {
    let limit: Duration

    /// Applies to the tests of a suite.
    public var isRecursive: Bool { true }

    /// One thread, to report from while all others are blocked.
    private static let reporting = TestThreads(count: 1)

    /// Runs one case of a test.
    @concurrent
    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        let turn = await Turnstile.shared.enter()
        defer { turn.end() }
        try await limit(test, onForfeit: turn.forfeit, performing: function)
    }

    /// Runs `function` on two threads of its own, and cancels it when it takes too long.
    ///
    /// - Parameter onForfeit: called when the test has taken too long.
    func limit(
        _ test: Test, onForfeit: @escaping @Sendable () -> Void,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        let threads = TestThreads(count: 2)
        defer { threads.close() }
        let alarm = Alarm(after: limit)
        defer { alarm.stop() }
        // Unstructured, to live on another executor; it inherits the test's context, by which the issue names the test.
        Task(executorPreference: Self.reporting) {
            guard await alarm.rings() else { return }
            Issue.record("the test has not ended within \(limit)", sourceLocation: test.sourceLocation)
            onForfeit()
            alarm.cancelTask()
        }
        try await withTaskExecutorPreference(threads) {
            alarm.watchCurrentTask()
            try await function()
        }
    }
}

extension Trait where Self == Bounded {
    /// Two minutes for each test, or twenty under ThreadSanitizer: see `Bounded`. The environment variable
    /// SLUICE_TEST_SECONDS sets another limit.
    public static var bounded: Self {
        Bounded(limit: .seconds(testSeconds ?? (isThreadSanitized ? 1200 : 120)))
    }
}

/// The limit for each test that SLUICE_TEST_SECONDS sets, for tests that are likely to hang. Nil if it is not set.
let testSeconds = ProcessInfo.processInfo.environment["SLUICE_TEST_SECONDS"].flatMap { Int($0) }

/// Whether ThreadSanitizer, which makes everything several times slower, watches the tests.
var isThreadSanitized: Bool {
    #if THREAD_SANITIZER
        true
    #else
        false
    #endif
}

/// Rings after a time, unless it is stopped first.
private final class Alarm: @unchecked Sendable {
    // Sendable: `lock` guards everything that changes.

    private let lock = NSLock()
    private var hasRung: Bool?
    private var listener: CheckedContinuation<Bool, Never>?
    private var task: UnsafeCurrentTask?

    init(after time: Duration) {
        DispatchQueue.global().asyncAfter(deadline: .now() + time / .seconds(1)) { [weak self] in
            self?.end(ringing: true)
        }
    }

    /// Waits for what comes first: the alarm rings (true) or is stopped (false).
    func rings() async -> Bool {
        await withCheckedContinuation { continuation in
            let hasRung = lock.withLock {
                if self.hasRung == nil { listener = continuation }
                return self.hasRung
            }
            if let hasRung { continuation.resume(returning: hasRung) }
        }
    }

    func stop() {
        lock.withLock { task = nil }
        end(ringing: false)
    }

    private func end(ringing: Bool) {
        let listener = lock.withLock {
            guard hasRung == nil else { return nil as CheckedContinuation<Bool, Never>? }
            hasRung = ringing
            defer { self.listener = nil }
            return self.listener
        }
        listener?.resume(returning: ringing)
    }

    /// Notes the task to be cancelled. It must call `stop` before it ends.
    func watchCurrentTask() {
        withUnsafeCurrentTask { current in lock.withLock { task = current } }
    }

    func cancelTask() {
        lock.withLock { task?.cancel() }
    }
}
