import Glibc
import SluiceRuntime

/// Queues lines for a descriptor. The queue's own thread writes them, so no other thread ever waits for a disk or for
/// the reader of a pipe or terminal.
///
/// The queue holds a bounded number of bytes. Lines that do not fit and lines that cannot be written are dropped and
/// counted, and the count is written as soon as lines can be written again.
final class OutputQueue: @unchecked Sendable {
    // Sendable: the constants are, and everything else is guarded by `mutex`.

    private let descriptor: Int32
    private let capacity: Int
    private let describeDropped: @Sendable (Int) -> [UInt8]
    // Allocated, because POSIX requires that they do not move.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changes = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queued: [UInt8] = []
    private var droppedLines = 0
    private var isWriting = false
    private var hasEnded = false

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - descriptor: where to write. It stays open.
    ///   - capacity: the bytes that the queue holds. The thread holds as many again while it writes them.
    ///   - describeDropped: makes the line that tells how many lines were dropped.
    /// - Throws: `.system` if no thread can be started.
    init(
        to descriptor: Int32, capacity: Int = 256 << 10, describeDropped: @escaping @Sendable (Int) -> [UInt8]
    ) throws(SluiceError) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.describeDropped = describeDropped
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changes, &attributes)
        pthread_condattr_destroy(&attributes)
        pthread_mutex_init(mutex, nil)
        try startThread()
    }

    deinit {
        pthread_cond_destroy(changes)
        pthread_mutex_destroy(mutex)
        changes.deallocate()
        mutex.deallocate()
    }

    private func startThread() throws(SluiceError) {
        let queue = Unmanaged.passRetained(self)
        var thread = pthread_t()
        // The thread blocks all signals, because a signal would only interrupt its writes.
        var (all, usual) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &usual)
        let status = pthread_create(
            &thread, nil,
            { pointer in
                if let pointer { Unmanaged<OutputQueue>.fromOpaque(pointer).takeRetainedValue().writeUntilEnd() }
                return nil
            }, queue.toOpaque())
        pthread_sigmask(SIG_SETMASK, &usual, nil)
        guard status == 0 else {
            queue.release()
            throw SluiceError(.system, "cannot start the thread that writes the log", errno: status)
        }
        pthread_detach(thread)
    }

    // MARK: Any thread

    /// Queues a line, which has its line end, or drops it if the queue is full. Never waits for the descriptor.
    func append(_ line: some Collection<UInt8>) {
        withMutex {
            if queued.count + line.count <= capacity { queued += line } else { droppedLines += 1 }
            pthread_cond_broadcast(changes)
        }
    }

    /// Waits until every line is written, but at most for `limit`.
    ///
    /// - Returns: whether every line was written or dropped.
    @discardableResult
    func flush(within limit: Duration) -> Bool {
        let (seconds, attoseconds) = limit.components
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        time.tv_sec += Int(seconds)
        time.tv_nsec += Int(attoseconds / 1_000_000_000)
        if time.tv_nsec >= 1_000_000_000 {
            time.tv_sec += 1
            time.tv_nsec -= 1_000_000_000
        }
        return withMutex {
            while isWriting || !queued.isEmpty {
                if pthread_cond_timedwait(changes, mutex, &time) == ETIMEDOUT { return false }
            }
            return true
        }
    }

    /// Ends the thread after the queued lines.
    func end() {
        withMutex {
            hasEnded = true
            pthread_cond_broadcast(changes)
        }
    }

    private func withMutex<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    // MARK: The thread

    private func writeUntilEnd() {
        while let lines = takeQueued() {
            let lost = write(lines)
            let dropped = withMutex { () -> Int in
                droppedLines += lost
                guard lost == 0 else { return 0 }
                defer { droppedLines = 0 }
                return droppedLines
            }
            let isTold = dropped == 0 || write(describeDropped(dropped)) == 0
            withMutex {
                if !isTold { droppedLines += dropped }
                isWriting = false
                pthread_cond_broadcast(changes)
            }
        }
    }

    /// Waits for lines. Nil at the end.
    private func takeQueued() -> [UInt8]? {
        withMutex {
            while queued.isEmpty {
                if hasEnded { return nil }
                pthread_cond_wait(changes, mutex)
            }
            defer { queued = [] }
            isWriting = true
            return queued
        }
    }

    /// Writes lines, waiting for the descriptor as long as it takes.
    ///
    /// - Returns: the number of lines that could not be written.
    private func write(_ lines: [UInt8]) -> Int {
        lines.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    // Another program that shares the terminal or pipe has made it non-blocking.
                    var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&watched, 1, -1)
                } else if errno != EINTR {
                    break
                }
            }
            return rest.count { $0 == UInt8(ascii: "\n") }
        }
    }
}
