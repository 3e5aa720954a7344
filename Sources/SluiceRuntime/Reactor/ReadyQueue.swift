import DequeModule

/// What a reactor is to run, first in, first out: jobs of Swift tasks, and green tasks that are to start.
struct ReadyQueue: ~Copyable {
    enum Entry {
        case job(UnownedJob)
        /// The reactor's registry keeps the task alive.
        case start(Unmanaged<TaskRecord>)
    }

    /// A queue that was longer than this gives memory back once it has shrunk to an eighth.
    private static let longestKept = 4096

    /// Addresses. The lowest bit is set in that of a task to start, so that an entry takes one word instead of two.
    private var words = Deque<UInt>()
    /// The greatest length since memory was given back.
    private var longest = 0

    var isEmpty: Bool { words.isEmpty }

    mutating func append(_ job: UnownedJob) {
        words.append(UInt(bitPattern: unsafeBitCast(job, to: UnsafeRawPointer.self)))
    }

    mutating func append(_ task: TaskRecord) {
        words.append(UInt(bitPattern: Unmanaged.passUnretained(task).toOpaque()) | 1)
    }

    mutating func popFirst() -> Entry? {
        guard let word = words.popFirst(), let address = UnsafeRawPointer(bitPattern: word & ~1) else { return nil }
        return word & 1 == 0
            ? .job(unsafeBitCast(address, to: UnownedJob.self))
            : .start(Unmanaged<TaskRecord>.fromOpaque(address))
    }

    /// Takes the first entry if it is a task to start.
    mutating func popStart() -> Entry? {
        guard let word = words.first, word & 1 == 1 else { return nil }
        return popFirst()
    }

    /// Gives memory back if the queue has become much shorter. Sees the length only when it is called.
    mutating func freeUnusedMemory() {
        longest = max(longest, words.count)
        guard longest > Self.longestKept, words.count < longest / 8 else { return }
        var shorter = Deque<UInt>(minimumCapacity: words.count)
        shorter.append(contentsOf: words)
        words = shorter
        longest = words.count
    }
}
