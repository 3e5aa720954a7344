import DequeModule

/// What a reactor is to run: jobs of Swift tasks, and green tasks that are to start, first come, first served.
struct ReadyQueue: ~Copyable {
    enum Entry {
        case job(UnownedJob)
        /// The reactor's registry keeps the task alive.
        case start(Unmanaged<TaskRecord>)
    }

    /// A queue that was longer gives its memory back once it is an eighth as long.
    private static let longestKept = 4096

    /// Addresses, whose lowest bit tells a task that is to start from a job: a word an entry instead of two.
    private var words = Deque<UInt>()
    /// The most entries at a time since memory was given back.
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

    /// Takes the first entry if it is a task that is to start.
    mutating func popStart() -> Entry? {
        guard let word = words.first, word & 1 == 1 else { return nil }
        return popFirst()
    }

    /// To be called now and then; how long the queue is between two calls is not noticed.
    mutating func giveBackMemory() {
        longest = max(longest, words.count)
        guard longest > Self.longestKept, words.count < longest / 8 else { return }
        var shorter = Deque<UInt>(minimumCapacity: words.count)
        shorter.append(contentsOf: words)
        words = shorter
        longest = words.count
    }
}
