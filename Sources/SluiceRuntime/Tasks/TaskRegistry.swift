/// The green tasks of one reactor that have not ended: a list linked through the records, so that a task is entered
/// and taken out without allocating.
struct TaskRegistry: ~Copyable {
    private(set) var count = 0
    /// How many of the tasks are suspended in a wait that only another task can end.
    var parkedCount = 0
    /// Whether the reactor ends, so that a task which is entered now is cancelled with the others.
    var isEnding = false
    private var first: Unmanaged<TaskRecord>?

    /// Enters a task, and keeps its record alive until `remove`.
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

    /// Every task, the youngest first.
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
