import Synchronization

/// What a reactor shows of itself, so that a `LoopMonitor` on another thread sees when a job holds the loop, and whose.
///
/// The reactor's thread only ever stores here, and on its way from job to job without a fence. The monitor's reading of
/// a name is the difficulty, because the task may end meanwhile and take its record with it. It is read under a hazard
/// pointer: the monitor publishes the record that it is about to read in `recordBeingRead`, and reads it only if it is
/// the running one still; a task that ends first stops being the running one, and then waits while its record is the
/// published one. Both do the one before the other in the single order of sequentially consistent operations, so at
/// least one of them sees the other: the monitor a task that no longer runs, or the task that it is being read.
final class LoopProgress: Sendable {
    /// 2n + 1 while the nth job runs, 2n when none does.
    private let jobs = Atomic<UInt64>(0)
    /// The address of the record of the task whose job runs, as far as it is known, else 0; not retained.
    private let running = Atomic<UInt>(0)
    private let recordBeingRead = Atomic<UInt>(0)
    /// Lets one monitor at a time publish a record.
    private let reading = Lock<Void>(())
    private let ended = Atomic<Bool>(false)

    // MARK: The reactor's side

    func jobBegins() {
        // Releasing, so that whoever sees the number also sees that the task of the job before is gone.
        jobs.store((jobs.load(ordering: .relaxed) | 1) &+ 2, ordering: .releasing)
    }

    func jobsEnd() {
        jobs.store(jobs.load(ordering: .relaxed) & ~1, ordering: .releasing)
    }

    /// The green task whose code runs; nil when no green task's does. On the reactor's thread only.
    var runningTask: TaskRecord? {
        get {
            Self.record(at: running.load(ordering: .relaxed))?.takeUnretainedValue()
        }
        set {
            // Releasing, so that whoever sees the record also sees its name.
            running.store(newValue.map(Self.address) ?? 0, ordering: .releasing)
        }
    }

    /// Whether the running code is known to be that of a green task.
    var hasRunningTask: Bool { running.load(ordering: .relaxed) != 0 }

    /// Returns once no monitor reads the record of a task that has ended, and none will.
    func forget(_ task: TaskRecord) {
        running.store(0, ordering: .sequentiallyConsistent)
        // The copying of a name takes some nanoseconds.
        while recordBeingRead.load(ordering: .sequentiallyConsistent) == Self.address(task) {}
    }

    /// Tells the monitors that the reactor is no more.
    func end() {
        ended.store(true, ordering: .relaxed)
    }

    // MARK: The monitor's side

    /// The number of the job that runs; nil when none does.
    var currentJob: UInt64? {
        let number = jobs.load(ordering: .acquiring)
        return number & 1 == 1 ? number : nil
    }

    /// Whether the reactor is no more.
    var hasEnded: Bool { ended.load(ordering: .relaxed) }

    /// The name of the green task whose job is number `job`; nil when that is over, belongs to none, or to one without
    /// a name. The task cannot end while `read` runs.
    func taskName(ofJob job: UInt64, read: (TaskRecord) -> String = { $0.name }) -> String? {
        reading.withLock { _ in
            let address = running.load(ordering: .sequentiallyConsistent)
            recordBeingRead.store(address, ordering: .sequentiallyConsistent)
            defer { recordBeingRead.store(0, ordering: .releasing) }
            guard running.load(ordering: .sequentiallyConsistent) == address,
                jobs.load(ordering: .acquiring) == job,
                let name = Self.record(at: address)?._withUnsafeGuaranteedRef(read)
            else { return nil }
            return name.isEmpty ? nil : name
        }
    }

    private static func address(_ record: TaskRecord) -> UInt {
        UInt(bitPattern: Unmanaged.passUnretained(record).toOpaque())
    }

    private static func record(at address: UInt) -> Unmanaged<TaskRecord>? {
        UnsafeRawPointer(bitPattern: address).map { Unmanaged<TaskRecord>.fromOpaque($0) }
    }
}
