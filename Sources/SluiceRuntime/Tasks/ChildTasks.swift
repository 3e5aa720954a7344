// How the detection of deadlocks sees through `async let`, task groups and `Task.value`.

extension Reactor {
    /// Lists the wait of a task that is not green. On the reactor's thread only.
    @usableFromInline
    func list(_ wait: ForeignWait, of task: UnsafeRawPointer) {
        wait.task = UInt(bitPattern: task)
        foreignWaits[wait.task] = wait
    }

    /// Removes a wait that has ended. May be called from any thread.
    @usableFromInline
    func unlist(_ wait: ForeignWait) {
        // The task may wait again before another thread's removal arrives.
        perform { [self] in if foreignWaits[wait.task] === wait { foreignWaits[wait.task] = nil } }
    }

    /// Whether each of the Swift tasks at the addresses awaits tasks that wait for other tasks of this reactor, directly
    /// or through other tasks. The loop must be idle, so that no task of the reactor runs.
    func awaitOnlyBlockedTasks(_ awaiting: some Collection<UnsafeRawPointer>) -> Bool {
        var blocked = BlockedTasks()
        for task in tasks.all { if task.waitsForTasks, let identity = task.identity { blocked.insert(identity) } }
        for word in foreignWaits.keys { if let task = UnsafeRawPointer(bitPattern: word) { blocked.insert(task) } }
        return blocked.include(awaiting)
    }
}

/// The Swift tasks that only other blocked tasks can wake.
private struct BlockedTasks {
    private var blocked: Set<UnsafeRawPointer> = []
    /// The number of blocked tasks of each task group, by its address.
    private var groupCounts: [UnsafeRawPointer: Int] = [:]

    /// Adds a task, and those of its ancestors that wait for it.
    mutating func insert(_ address: UnsafeRawPointer) {
        var address = address
        while blocked.insert(address).inserted {
            let task = SwiftTask(at: address)
            guard let parent = task.parent else { return }
            if let group = task.group { groupCounts[group, default: 0] += 1 }
            guard isBlocked(parent) else { return }
            address = parent
        }
    }

    /// Adds those of the tasks that wait for a task that is no child of theirs.
    ///
    /// - Returns: whether all of the tasks are blocked.
    mutating func include(_ awaiting: some Collection<UnsafeRawPointer>) -> Bool {
        var isComplete = false
        while !isComplete {
            isComplete = true
            for task in awaiting where !blocked.contains(task) && isBlocked(task) {
                insert(task)
                isComplete = false
            }
        }
        return awaiting.allSatisfy(blocked.contains)
    }

    private func isBlocked(_ address: UnsafeRawPointer) -> Bool {
        switch SwiftTask(at: address).dependency {
        case .task(let other): blocked.contains(other)
        case .group(let group): groupCounts[group] == SwiftTask.pendingTasks(ofGroupAt: group)
        case nil: false
        }
    }
}

/// What Swift's runtime keeps about a task.
///
/// Swift has no calls for this, so that it is read from the runtime's memory. The places have been the same since Swift
/// 6.2. In a runtime with other ones, `dependency` would be nil, because the record must name its task, and a program
/// with such a deadlock would hang as without this; `ChildTaskDeadlockTests` would fail.
private struct SwiftTask {
    /// What a suspended task waits for.
    enum Dependency {
        case task(UnsafeRawPointer)
        case group(UnsafeRawPointer)
    }

    private let address: UnsafeRawPointer

    init(at address: UnsafeRawPointer) {
        self.address = address
    }

    private enum Word {
        static let flags = 4
        static let status = 12
        static let dependency = 20
        static let parent = 26
        static let group = 28
    }

    private enum RecordWord {
        static let dependency = 2
        static let kind = 4
        static let task = 5
    }

    private static let isChild: UInt32 = 1 << 24
    private static let isInGroup: UInt32 = 1 << 26
    private static let hasDependency: UInt32 = 1 << 14

    private static func load<Value>(_ address: UnsafeRawPointer, _ word: Int, as type: Value.Type) -> Value {
        address.load(fromByteOffset: word * MemoryLayout<UInt>.stride, as: type)
    }

    private var flags: UInt32 { Self.load(address, Word.flags, as: UInt32.self) }

    /// The parent of a child task, which does not end before it.
    var parent: UnsafeRawPointer? {
        flags & Self.isChild == 0 ? nil : Self.load(address, Word.parent, as: UnsafeRawPointer?.self)
    }

    /// The task group that a child task belongs to.
    var group: UnsafeRawPointer? {
        flags & Self.isInGroup == 0 ? nil : Self.load(address, Word.group, as: UnsafeRawPointer?.self)
    }

    /// What the task waits for; nil if it runs, or waits for something else than a task or a group.
    var dependency: Dependency? {
        guard Self.load(address, Word.status, as: UInt32.self) & Self.hasDependency != 0,
            let record = Self.load(address, Word.dependency, as: UnsafeRawPointer?.self),
            Self.load(record, RecordWord.task, as: UnsafeRawPointer?.self) == address,
            let dependency = Self.load(record, RecordWord.dependency, as: UnsafeRawPointer?.self)
        else { return nil }
        switch Self.load(record, RecordWord.kind, as: UInt32.self) {
        case 1: return .task(dependency)
        case 3: return .group(dependency)
        default: return nil
        }
    }

    /// The number of tasks of a group that have not ended.
    static func pendingTasks(ofGroupAt address: UnsafeRawPointer) -> Int {
        Int(load(address, 10, as: UInt64.self) & 0x7fff_ffff)
    }
}
