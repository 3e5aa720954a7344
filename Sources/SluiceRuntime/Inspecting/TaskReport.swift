import Synchronization

/// What one green task does at a moment.
public struct TaskReport: Sendable, Hashable, CustomStringConvertible {
    /// The task's name; empty for a task without a name.
    public let name: String
    /// What the task waits for, such as "receive from channel 'jobs'"; nil if it runs, is ready to run, or waits for
    /// something else than this library.
    public let wait: String?
    /// How long the task has waited, to within about a second; nil if `wait` is nil, and for child tasks (`async let`, task
    /// groups).
    public let duration: Duration?
    /// The code that waits, and its callers, as addresses of machine code, the innermost first. Empty if `wait` is nil.
    let frames: [UInt]

    init(of task: TaskRecord, at now: UInt64) {
        name = task.name
        wait = task.currentWait
        duration = wait == nil ? nil : .nanoseconds(Int64(clamping: now - min(now, task.waitBegan)))
        frames = wait == nil ? [] : task.identity.map { SuspendedCode.addresses(ofTaskAt: $0) } ?? []
    }

    /// The report of a task that is not green and that waits for other tasks.
    init(of wait: ForeignWait) {
        name = "a child task"
        self.wait = wait.description
        duration = nil
        frames = UnsafeRawPointer(bitPattern: wait.task).map { SuspendedCode.addresses(ofTaskAt: $0) } ?? []
    }

    /// The task and its wait, as in the report of a deadlock, with the seconds that it has waited.
    public var description: String {
        let label = name.isEmpty ? "unnamed" : "'\(name)'"
        guard let wait else { return "\(label): runs, or awaits something else" }
        guard let duration else { return "\(label): \(wait)" }
        return "\(label): \(wait), for \(duration.components.seconds) s"
    }
}

extension Reactor {
    /// Returns a report of every green task that has not ended, in the order in which the tasks were started, and then of
    /// the child tasks that wait for other tasks. May be called by any task on any thread.
    ///
    /// - Parameter timeout: the longest time to wait for the loop, which a job may block; nil waits without a limit.
    /// - Throws: `.timedOut`, `.cancelled`.
    public func taskReports(timeout: Duration? = nil) async throws(SluiceError) -> [TaskReport] {
        if isCurrent { return reportsNow }
        let reports = Channel<[TaskReport]>(.buffered(capacity: 1), name: "reports of \(name)")
        post { [self] in _ = reports.attemptSend(reportsNow, inTurn: false) }
        return try await reports.receive(timeout: timeout) ?? []
    }

    private var reportsNow: [TaskReport] {
        let now = nowNanoseconds
        let children = foreignWaits.values.map { TaskReport(of: $0) }.sorted { $0.description < $1.description }
        return tasks.all.reversed().map { TaskReport(of: $0, at: now) } + children
    }
}

/// Where suspended tasks wait, as addresses of their code.
enum SuspendedCode {
    private enum Word {
        static let resumeFunction = 7
        static let resumeContext = 8
    }

    /// The most frames of a task.
    private static let mostFrames = 64

    /// Returns the code addresses at which a suspended Swift task and its callers will continue.
    ///
    /// An async function keeps its caller's context and code at the beginning of its own context, by Swift's calling
    /// convention. The innermost context is read from the memory of the runtime; see `ChildTasks.swift`.
    static func addresses(ofTaskAt task: UnsafeRawPointer) -> [UInt] {
        let word = MemoryLayout<UInt>.stride
        var addresses = [task.load(fromByteOffset: Word.resumeFunction * word, as: UInt.self)]
        // The context of the wait itself, which is the caller's child.
        var context = task.load(fromByteOffset: Word.resumeContext * word, as: UnsafeRawPointer?.self)
        // Contexts are aligned. An address that is not means that this runtime has another layout.
        while let current = context, UInt(bitPattern: current) % 16 == 0, addresses.count < mostFrames {
            let address = current.load(fromByteOffset: word, as: UInt.self)
            if address != 0, address != addresses.last { addresses.append(address) }
            context = current.load(as: UnsafeRawPointer?.self)
        }
        return addresses
    }
}
