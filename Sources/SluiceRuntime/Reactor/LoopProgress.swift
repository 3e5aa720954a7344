import Synchronization

/// What a reactor publishes for a `LoopMonitor` on another thread: which job runs, and which task it belongs to.
///
/// The reactor's thread only stores, and needs no fence between jobs. The monitor has to read the task's name although
/// the task may end and free its record at any time. It does so under a hazard pointer (Michael, 2004): it publishes
/// the record's address in `recordBeingRead`, and reads the record only if it is still that of the running task. A task
/// that ends first stops being the running one, and then waits while its record is the published one. Both do these two
/// things with sequentially consistent operations, so that at least one of them sees what the other did.
final class LoopProgress: Sendable {
    /// 2n + 1 while the nth job runs, 2n when none does.
    private let jobs = Atomic<UInt64>(0)
    /// The address of the running task's record; 0 when it is not known. Not retained.
    private let running = Atomic<UInt>(0)
    private let recordBeingRead = Atomic<UInt>(0)
    /// Held by the one monitor that publishes a record.
    private let reading = Lock<Void>(())
    private let ended = Atomic<Bool>(false)

    // MARK: The reactor's side

    func jobBegins() {
        // Releasing: a thread that sees the number also sees that the previous job's task is gone.
        jobs.store((jobs.load(ordering: .relaxed) | 1) &+ 2, ordering: .releasing)
    }

    func jobsEnd() {
        jobs.store(jobs.load(ordering: .relaxed) & ~1, ordering: .releasing)
    }

    /// The green task whose code runs; nil when the code is not a green task's. On the reactor's thread only.
    var runningTask: TaskRecord? {
        get {
            Self.record(at: running.load(ordering: .relaxed))?.takeUnretainedValue()
        }
        set {
            // Releasing: a thread that sees the record also sees its name.
            running.store(newValue.map(Self.address) ?? 0, ordering: .releasing)
        }
    }

    /// Whether the running code is known to be a green task's.
    var hasRunningTask: Bool { running.load(ordering: .relaxed) != 0 }

    /// Returns once no monitor reads the record of `task`, which has ended, and none will read it.
    func forget(_ task: TaskRecord) {
        running.store(0, ordering: .sequentiallyConsistent)
        // Copying a name takes some nanoseconds.
        while recordBeingRead.load(ordering: .sequentiallyConsistent) == Self.address(task) {}
    }

    /// Tells the monitors that the reactor has been destroyed.
    func end() {
        ended.store(true, ordering: .relaxed)
    }

    // MARK: The monitor's side

    /// The number of the running job; nil between jobs.
    var currentJob: UInt64? {
        let number = jobs.load(ordering: .acquiring)
        return number & 1 == 1 ? number : nil
    }

    /// Whether the reactor has been destroyed.
    var hasEnded: Bool { ended.load(ordering: .relaxed) }

    /// The name of the green task whose job is number `job`; nil when that job has ended, or belongs to no green task,
    /// or to one without a name. The task cannot end while `read` runs.
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
