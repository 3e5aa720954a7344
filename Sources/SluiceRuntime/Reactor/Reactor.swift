import CLibev
import Glibc
import Synchronization

/// One libev loop on one thread, and the executor of the green tasks that live on it.
///
/// A green task is a Swift task whose executor preference is a reactor. What a task does between two waits is a job.
/// Each turn of the loop runs a bounded number of jobs, in the order in which they became ready, and then polls the
/// kernel.
///
/// `run(_:)` runs the loop on the calling thread until a main task has ended; `start()` runs it on a thread of its own
/// until `stop()`.
public final class Reactor: TaskExecutor, SerialExecutor, @unchecked Sendable {
    // Sendable: `mailbox`, `progress` and the atomics may be used from any thread. Every other stored property belongs
    // to the thread that runs the loop, on which `isCurrent` is true.

    /// The most jobs between two polls of the kernel, so that busy tasks never starve I/O.
    static var jobsPerTurn: Int { workPerTurn / workPerJob }
    /// The most work between two polls, counted in operations on channels that need no wait.
    static let workPerTurn = 4096
    /// What a job counts for, whatever it does.
    private static let workPerJob = 16

    /// What the reactor is called in reports.
    public let name: String
    let clock: any ReactorClock
    /// Whether `clock` is the machine's. Reading that through the protocol takes three times as long.
    let usesSystemClock: Bool
    /// Whether the time passes by itself, so that the reactor sleeps until its next timer is due.
    let runsByItself: Bool
    let loop: OpaquePointer

    private let wakeup: UnsafeMutablePointer<ev_async>
    let alarm: UnsafeMutablePointer<ev_timer>
    /// The deadline that `alarm` is set for; `.max` while it is not set.
    var alarmDeadline = UInt64.max
    private let mailbox = Mailbox()
    /// The thread that runs the loop; 0 while none does.
    private let thread = Atomic<UInt>(0)
    let stopRequested = Atomic<Bool>(false)

    // Every job touches these, on one thread: checking their exclusivity at run time took 6 % of a transfer.
    @exclusivity(unchecked) private var runQueue = ReadyQueue()
    @exclusivity(unchecked) var workers = Workers()
    /// The work that this turn may still do.
    @usableFromInline @exclusivity(unchecked) var workLeft = 0
    @exclusivity(unchecked) var timers = IndexedHeap<TimerAction>()
    /// The first to call at the end of this turn. Nearly always the only one.
    @exclusivity(unchecked) private var firstTurnEnd: (any EndOfTurn)?
    @exclusivity(unchecked) private var otherTurnEnds: [any EndOfTurn] = []
    /// The list of the sockets with events that their owners do not know, in the order of the events when it is complete.
    @exclusivity(unchecked) var firstSocketWithEvents: SocketRegistration?
    /// About the number of these sockets.
    @exclusivity(unchecked) var socketsWithEvents = 0
    /// When the reactor began to serve sockets, while it serves more than a few of them. Nil otherwise.
    @exclusivity(unchecked) package internal(set) var socketsBegan: UInt64?

    @exclusivity(unchecked) var tasks = TaskRegistry()
    @exclusivity(unchecked) var epochs = WaitEpochs()
    /// The green task whose code runs; nil when no green task's does.
    var runningTask: TaskRecord? {
        get { progress.runningTask }
        set { progress.runningTask = newValue }
    }
    /// Kept, because making one for each job took a hundredth of a transfer.
    private lazy var asExecutor = asUnownedTaskExecutor()
    /// The running job, named by the address of its Swift task.
    @exclusivity(unchecked) private(set) var runningJob: UnsafeRawPointer?
    /// The green tasks that are suspended in an `await` of something else than this library, by the address of their
    /// Swift task.
    @exclusivity(unchecked) var suspendedElsewhere: [UnsafeRawPointer: TaskRecord] = [:]
    /// The waits of tasks that are not green, on what only other tasks can end, by the address of their Swift task.
    @exclusivity(unchecked) var foreignWaits: [UInt: ForeignWait] = [:]
    private(set) lazy var sleepers = Sleepers(of: self)
    /// Guards the joiners of all the reactor's tasks. One lock for all keeps the records small.
    let joinLock = Lock<Void>(())
    /// Guards itself. Nil until `handleFailures`.
    let failureHandler = Lock<(@Sendable (TaskFailure) -> Void)?>(nil)
    let progress = LoopProgress()
    /// The number of things other than green tasks that may wake one: watched descriptors, signals, holds.
    private var outsideWakers = 0
    /// Whether another thread has made a job ready. If one has, one may do so again.
    private var wasWokenFromOutside = false

    /// Creates a reactor that no thread runs yet.
    ///
    /// - Parameters:
    ///   - name: shown in reports and errors.
    ///   - clock: the time that timers and timeouts go by.
    /// - Throws: `.system` when the kernel provides no descriptor to poll with.
    public init(name: String = "reactor", clock: any ReactorClock = SystemReactorClock()) throws(SluiceError) {
        // By default SIGPIPE ends the process. A write to a closed connection must be an error of that write instead.
        signal(SIGPIPE, SIG_IGN)
        guard let loop = ev_loop_new(UInt32(EVFLAG_NOENV)) else {
            throw SluiceError(system: errno, "libev cannot create a loop")
        }
        self.name = name
        self.clock = clock
        usesSystemClock = clock is SystemReactorClock
        runsByItself = clock.runsByItself
        self.loop = loop
        wakeup = .allocate(capacity: 1)
        alarm = .allocate(capacity: 1)
        clibev_async_init(wakeup) { _, _, _ in }
        clibev_timer_init(alarm, { _, _, _ in }, 0, 0)
        ev_async_start(loop, wakeup)
        clock.attach(self)
    }

    deinit {
        progress.end()
        // Descriptors that other threads gave up and the loop had no turn to close: see `DescriptorWatch.abandon`.
        mailbox.empty { if case .work(let work) = $0 { work() } }
        ev_async_stop(loop, wakeup)
        ev_timer_stop(loop, alarm)
        ev_loop_destroy(loop)
        wakeup.deallocate()
        alarm.deallocate()
    }

    // MARK: Executor

    /// Queues a job that is ready to run. Swift's runtime calls this, on any thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if !isCurrent {
            post(.job(job))
        } else if workers.awaitsJob {
            workers.awaitsJob = false
            workers.job = job
        } else {
            runQueue.append(job)
        }
    }

    /// Whether the calling thread runs this reactor. Swift's runtime calls this.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// Ends the process if the calling thread does not run this reactor. Swift's runtime calls this.
    public func checkIsolated() {
        precondition(isCurrent, "not on the thread of \(name)")
    }

    /// Whether the calling thread runs this reactor.
    public var isCurrent: Bool { thread.load(ordering: .relaxed) == currentThread() }

    /// Whether a thread runs the loop. May be read on any thread.
    var isRunning: Bool { thread.load(ordering: .acquiring) != 0 }

    // MARK: Work from other threads

    /// Queues `work` to run on the reactor's thread in its next turn. May be called from any thread.
    public func post(_ work: @escaping @Sendable () -> Void) {
        post(.work(work))
    }

    private func post(_ letter: Mailbox.Letter) {
        if mailbox.put(letter) { wake() }
    }

    /// Makes the loop take a turn. May be called from any thread.
    func wake() {
        ev_async_send(loop, wakeup)
    }

    private func deliver(_ letter: Mailbox.Letter) {
        switch letter {
        case .job(let job):
            wasWokenFromOutside = true
            runQueue.append(job)
        case .start(let task):
            wasWokenFromOutside = true
            append(task)
        case .work(let work):
            work()
        }
    }

    /// Keeps the detection of deadlocks from reporting one until `release`, because something outside the reactor may
    /// wake a task. May be called from any thread.
    ///
    /// Call this while other threads, or tasks elsewhere, are to use a channel on which this reactor's tasks wait.
    public func hold() {
        perform { [self] in outsideWakers += 1 }
    }

    /// Ends one `hold`. May be called from any thread.
    public func release() {
        perform { [self] in outsideWakers -= 1 }
    }

    // MARK: The loop

    /// Calls `listener` once, at the end of this turn, or earlier in a turn with very many events. On the reactor's
    /// thread only.
    package func atEndOfTurn(_ listener: any EndOfTurn) {
        if firstTurnEnd == nil { firstTurnEnd = listener } else { otherTurnEnds.append(listener) }
    }

    /// Makes the calling thread the reactor's while `body` runs.
    ///
    /// - Throws: `.misuse` when a thread runs the reactor already, or the calling thread runs another reactor.
    func withThread<Result>(_ body: () throws -> Result) throws -> Result {
        guard
            CurrentReactor.unretained == nil,
            thread.compareExchange(expected: 0, desired: currentThread(), ordering: .acquiringAndReleasing).exchanged
        else {
            throw SluiceError(.misuse, "\(name) runs already, or this thread runs another reactor")
        }
        CurrentReactor.set(self)
        defer {
            endWorkers()
            CurrentReactor.set(nil)
            thread.store(0, ordering: .releasing)
        }
        return try body()
    }

    /// Takes turns until `isDone` returns true.
    ///
    /// - Throws: `Deadlock` when `detectingDeadlock` and nothing can wake any task.
    func takeTurns(detectingDeadlock: Bool, until isDone: () -> Bool) throws(Deadlock) {
        while true {
            takeTurn()
            if isDone() { return }
            let isIdle = isIdle
            if isIdle, detectingDeadlock, isDeadlocked { throw Deadlock(of: tasks.all, foreignWaits.values) }
            poll(waiting: isIdle)
        }
    }

    /// Takes a turn without polling the kernel.
    private func takeTurn() {
        mailbox.empty(deliver)
        fireDueTimers()
        if !runQueue.isEmpty { runJobs() }
        endTurn()
    }

    private var isIdle: Bool {
        runQueue.isEmpty && mailbox.isEmpty && firstTurnEnd == nil && firstSocketWithEvents == nil
    }

    private func runJobs() {
        workLeft = Self.workPerTurn
        while workLeft > 0, let entry = runQueue.popFirst() {
            workLeft -= Self.workPerJob
            switch entry {
            case .job(let job): runJob(job)
            case .start(let task): startWorker(on: task)
            }
        }
        runningJob = nil
        progress.jobsEnd()
        runQueue.freeUnusedMemory()
    }

    private func runJob(_ job: UnownedJob) {
        // A task's job is the task itself, so that its address identifies it.
        let identity = unsafeBitCast(job, to: UnsafeRawPointer.self)
        runningJob = identity
        if !suspendedElsewhere.isEmpty { runningTask = suspendedElsewhere.removeValue(forKey: identity) }
        progress.jobBegins()
        job.runSynchronously(on: asExecutor)
        // A task that waits for something of this library, or has ended, has cleared this itself.
        if progress.hasRunningTask, let task = runningTask {
            // Its code may run in a child of its own Swift task: see `CancelScope.run`.
            suspendedElsewhere[task.identity ?? identity] = task
            runningTask = nil
        }
    }

    // MARK: Starting tasks

    /// Starts a task after the jobs that are ready now. May be called from any thread.
    @usableFromInline
    func enter(_ task: TaskRecord) {
        if TaskLocals.areBound { return enterInheriting(task) }
        guard isCurrent else { return post(.start(task)) }
        append(task)
    }

    private func append(_ task: TaskRecord) {
        tasks.add(task)
        runQueue.append(task)
    }

    private func startWorker(on task: Unmanaged<TaskRecord>) {
        workers.assignment = task
        runWorker(workers.popIdle())
    }

    /// Runs a worker that was idle, or a new one if `idle` is nil.
    private func runWorker(_ idle: UnsafeContinuation<Void, Never>?) {
        workers.awaitsJob = true
        if let idle {
            idle.resume()
        } else {
            // Detached, so that it is no child and inherits nothing. The closure throws and captures the reactor alone,
            // so that it needs no memory of its own.
            Task<Void, any Error>.detached(executorPreference: self) { await self.runWorkerLoop() }
        }
        if let job = workers.job.take() { runJob(job) }
    }

    func takeAssignment() -> TaskRecord? { workers.assignment.take()?.takeUnretainedValue() }

    /// Assigns the next task that is to start to the calling worker. Runs what is ready before that task here, inside
    /// the worker, which saves the worker a suspension.
    ///
    /// - Returns: false when the turn is over before a task could be assigned.
    func assignNextStart() -> Bool {
        let worker = runningJob
        let isNested = workers.areNested
        workers.areNested = true
        defer {
            workers.areNested = isNested
            runningJob = worker
        }
        while workLeft > 0, let entry = isNested ? runQueue.popStart() : runQueue.popFirst() {
            workLeft -= Self.workPerJob
            switch entry {
            case .job(let job): runJob(job)
            case .start(let task):
                progress.jobBegins()
                workers.assignment = task
                return true
            }
        }
        return false
    }

    /// Runs the idle workers, which end because no task is assigned to them.
    private func endWorkers() {
        while let worker = workers.popIdle() { runWorker(worker) }
        progress.jobsEnd()
    }

    private func endTurn() {
        guard let first = firstTurnEnd.take() else { return }
        // What these add is called at the end of the next turn.
        guard otherTurnEnds.isEmpty else { return takeListeners(startingWith: first).forEach { $0.turnEnds() } }
        first.turnEnds()
    }

    /// Calls `turnContinues` of the objects that wait for the end of the turn. The turn continues.
    package func continueTurn() {
        guard let first = firstTurnEnd.take() else { return }
        for listener in takeListeners(startingWith: first) { listener.turnContinues() }
    }

    private func takeListeners(startingWith first: any EndOfTurn) -> [any EndOfTurn] {
        defer { otherTurnEnds = [] }
        return [first] + otherTurnEnds
    }

    /// Takes turns without polling the kernel until nothing is left to do at the clock's current time. On a thread of
    /// `runByHand` only.
    package func settle() {
        repeat { takeTurn() } while !isIdle || isTimerDueByHand
    }

    /// Takes a turn without polling the kernel. On a thread of `runByHand` only.
    ///
    /// - Returns: whether something is left to do at the clock's current time.
    package func takeTurnByHand() -> Bool {
        takeTurn()
        return !isIdle || isTimerDueByHand
    }

    private func poll(waiting: Bool) {
        setAlarm()
        let earlier = firstSocketWithEvents.take()
        ev_run(loop, waiting && !isTimerDueByHand ? Int32(EVRUN_ONCE) : Int32(EVRUN_NOWAIT))
        if earlier != nil { listFirst(earlier) }
        noteTime()
        deliverSocketEvents()
    }

    /// Whether a timer is due by a clock that stands still, for which no alarm is set.
    private var isTimerDueByHand: Bool {
        guard !runsByItself, let earliest = timers.leastPriority else { return false }
        return earliest <= nowNanoseconds
    }

    private var isDeadlocked: Bool {
        guard tasks.count > 0, timers.count == 0, outsideWakers == 0, !wasWokenFromOutside else { return false }
        if tasks.parkedCount == tasks.count { return true }
        return tasks.parkedCount + suspendedElsewhere.count == tasks.count
            && awaitOnlyBlockedTasks(suspendedElsewhere.keys)
    }
}
