/// The green tasks of one reactor that have not ended. A list linked through the records, so that adding and removing a
/// task allocates nothing.
struct TaskRegistry: ~Copyable {
    private(set) var count = 0
    /// The number of tasks suspended in a wait that only another task can end.
    var parkedCount = 0
    /// Whether the reactor is ending, so that a task added now is cancelled like the others.
    var isEnding = false
    private var first: Unmanaged<TaskRecord>?

    /// Adds a task, and retains its record until `remove`.
    mutating func add(_ record: TaskRecord) {
        let entry = Unmanaged.passRetained(record)
        record.next = first
        first?._withUnsafeGuaranteedRef { $0.previous = entry }
        first = entry
        count += 1
        if isEnding { record.cancel() }
    }

    mutating func remove(_ record: TaskRecord) {
        if let previous = record.previous {
            previous._withUnsafeGuaranteedRef { $0.next = record.next }
        } else {
            first = record.next
        }
        record.next?._withUnsafeGuaranteedRef { $0.previous = record.previous }
        record.next = nil
        record.previous = nil
        count -= 1
        Unmanaged.passUnretained(record).release()
    }

    /// Every task, the one added last first.
    var all: [TaskRecord] {
        var records: [TaskRecord] = []
        var entry = first
        while let record = entry?.takeUnretainedValue() {
            records.append(record)
            entry = record.next
        }
        return records
    }
}
