import Foundation

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
