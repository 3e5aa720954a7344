import CLibev
import Glibc
import Synchronization

/// One libev loop on one thread, and the executor of the green tasks that live on it.
///
/// A green task is a Swift task whose executor preference is a reactor. What such a task does between two waits is a
/// job; the reactor runs jobs in the order in which they became ready, a bounded number a turn, then polls the kernel.
///
/// Two ways to run one: `run(_:)` gives it the calling thread until a main task is done; `start()` gives it a thread of
/// its own until `stop()`.
public final class Reactor: TaskExecutor, SerialExecutor, @unchecked Sendable {
    // Sendable: `mailbox`, `progress` and the atomics may be used from any thread; every other stored property belongs
    // to the thread that runs the loop, which `isCurrent` tells.

    /// How many jobs run between two polls of the kernel, so that busy tasks never starve I/O.
    static let jobsPerTurn = 256

    /// What the reactor is called in reports.
    public let name: String
    let clock: any ReactorClock
    let loop: OpaquePointer

    private let wakeup: UnsafeMutablePointer<ev_async>
    private let alarm: UnsafeMutablePointer<ev_timer>
    /// The deadline that `alarm` is set for; `.max` when it is not set.
    private var alarmDeadline = UInt64.max
    private let mailbox = Mailbox()
    /// The thread that runs the loop; 0 while none does.
    private let thread = Atomic<UInt>(0)
    private let stopRequested = Atomic<Bool>(false)

    // Every job touches these, on one thread: checking their exclusivity at run time took 6 % of a transfer.
    @exclusivity(unchecked) private var runQueue = ReadyQueue()
    @exclusivity(unchecked) var workers = Workers()
    /// How many entries of the run queue this turn may still run.
    @exclusivity(unchecked) private var left = 0
    @exclusivity(unchecked) private var timers = IndexedHeap<TimerAction>()
    @exclusivity(unchecked) private var turnEnds: [any EndOfTurn] = []
    /// What has happened to sockets since the last poll began, the last first.
    @exclusivity(unchecked) var socketEvents: [SocketEvent] = []
    /// The storage of the last turn's list, for reuse.
    @exclusivity(unchecked) private var spareTurnEnds: [any EndOfTurn] = []

    @exclusivity(unchecked) var tasks = TaskRegistry()
    /// The green task whose code runs; nil when no green task's does.
    var runningTask: TaskRecord? {
        get { progress.runningTask }
        set { progress.runningTask = newValue }
    }
    /// The reactor as jobs are told of it; to make this anew took a hundredth of a transfer.
    private lazy var asExecutor = asUnownedTaskExecutor()
    /// What names the job that runs: the address of its Swift task.
    @exclusivity(unchecked) private(set) var runningJob: UnsafeRawPointer?
    /// The green tasks that are suspended in an `await` which is not the reactor's, by the address of their Swift task.
    private var suspendedElsewhere: [UnsafeRawPointer: TaskRecord] = [:]
    private(set) lazy var sleepers = Sleepers(of: self)
    /// Guards who waits for the end of the reactor's tasks; one lock for all, to keep the records small.
    let joinLock = Lock<Void>(())
    let progress = LoopProgress()
    /// How many things other than green tasks may wake one: watched descriptors, signals, holds.
    private var outsideWakers = 0
    /// Whether a thread other than the reactor's has made a job ready: then something outside can, and may again.
    private var wasWokenFromOutside = false

    /// - Throws: `SluiceError` with code `.system` when the kernel gives no descriptor to poll with.
    public init(name: String = "reactor", clock: any ReactorClock = SystemReactorClock()) throws(SluiceError) {
        // By default SIGPIPE kills; a write to a peer that has gone must be an error of that write.
        signal(SIGPIPE, SIG_IGN)
        guard let loop = ev_loop_new(UInt32(EVFLAG_NOENV)) else {
            throw SluiceError(system: errno, "libev cannot create a loop")
        }
        self.name = name
        self.clock = clock
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
        // What was let go of on other threads, and is closed now: see `DescriptorWatch.abandon`.
        mailbox.empty { if case .work(let work) = $0 { work() } }
        ev_async_stop(loop, wakeup)
        ev_timer_stop(loop, alarm)
        ev_loop_destroy(loop)
        wakeup.deallocate()
        alarm.deallocate()
    }

    // MARK: Executor

    /// Makes a job ready. Called by Swift's runtime, on any thread.
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

    /// Whether the calling thread runs this reactor: for Swift's runtime.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// Ends the process off the reactor's thread: for Swift's runtime.
    public func checkIsolated() {
        precondition(isCurrent, "not on the thread of \(name)")
    }

    /// Whether the calling thread is the one that runs this reactor.
    public var isCurrent: Bool { thread.load(ordering: .relaxed) == currentThread() }

    /// Whether a thread runs the loop. May be asked for on any thread.
    var isRunning: Bool { thread.load(ordering: .acquiring) != 0 }

    // MARK: Work from other threads

    /// Runs `work` on the reactor's thread, soon. May be called from any thread.
    public func post(_ work: @escaping @Sendable () -> Void) {
        post(.work(work))
    }

    private func post(_ letter: Mailbox.Letter) {
        if mailbox.put(letter) { wake() }
    }

    /// Has the loop take a turn. May be called from any thread.
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

    /// Tells the detection of deadlocks that something outside the reactor may wake a task, until `release`.
    ///
    /// Needed around threads or tasks elsewhere that will use a channel on which this reactor's tasks wait.
    public func hold() {
        perform { [self] in outsideWakers += 1 }
    }

    /// Takes back one `hold`.
    public func release() {
        perform { [self] in outsideWakers -= 1 }
    }

    // MARK: Timers

    func setTimer(after timeout: Duration, _ action: TimerAction) -> TimerHandle {
        timers.insert(action, at: clock.nowNanoseconds &+ timeout.wholeNanoseconds)
    }

    /// Withdraws a timer; does nothing when it has fired. On the reactor's thread only.
    package func cancelTimer(_ handle: TimerHandle) {
        timers.remove(handle)
    }

    /// The current time in nanoseconds of the reactor's clock. May be asked for on any thread.
    package var nowNanoseconds: UInt64 { clock.nowNanoseconds }

    /// Calls `work` after `delay`, unless that is cancelled before. On the reactor's thread only.
    package func call(after delay: Duration, _ work: @escaping @Sendable () -> Void) -> TimerHandle {
        setTimer(after: delay, .call(work))
    }

    /// When the first timer is due, in nanoseconds of the clock; nil when none is set. On the reactor's thread only.
    package var nextTimerNanoseconds: UInt64? { timers.leastPriority }

    private func fireTimers() {
        guard timers.count > 0 else { return }
        let now = clock.nowNanoseconds
        while let action = timers.popFirst(upTo: now) { action.fire() }
    }

    /// Sets libev's one timer for the earliest of ours. A timer that is cancelled leaves it as it is: at worst the loop
    /// wakes once for nothing, which costs less than setting it anew for each operation with a deadline.
    private func setAlarm() {
        guard clock.runsByItself, let earliest = timers.leastPriority else { return }
        guard earliest < alarmDeadline || !isAlarmSet else { return }
        let now = clock.nowNanoseconds
        ev_timer_stop(loop, alarm)
        ev_now_update(loop)
        clibev_timer_init(alarm, { _, _, _ in }, earliest > now ? Double(earliest - now) / 1e9 : 0, 0)
        ev_timer_start(loop, alarm)
        alarmDeadline = earliest
    }

    private var isAlarmSet: Bool { alarm.pointee.active != 0 }

    // MARK: The loop

    /// Calls `listener` once, at the end of the turn in which this is asked for. On the reactor's thread only.
    package func atEndOfTurn(_ listener: any EndOfTurn) {
        turnEnds.append(listener)
    }

    /// Takes the calling thread for the loop while `body` runs.
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

    /// Takes turns until `isDone`; throws `Deadlock`, where that is looked for, when no turn can change anything.
    func turn(detectingDeadlock: Bool, until isDone: () -> Bool) throws(Deadlock) {
        while true {
            work()
            if isDone() { return }
            let isIdle = isIdle
            if isIdle, detectingDeadlock, isDeadlocked { throw Deadlock(of: tasks.all) }
            poll(waiting: isIdle)
        }
    }

    /// What a turn is, but for the kernel.
    private func work() {
        mailbox.empty(deliver)
        fireTimers()
        runJobs()
        endTurn()
    }

    private var isIdle: Bool { runQueue.isEmpty && mailbox.isEmpty && turnEnds.isEmpty }

    private func runJobs() {
        left = Self.jobsPerTurn
        while left > 0, let entry = runQueue.popFirst() {
            left -= 1
            switch entry {
            case .job(let job): run(job)
            case .start(let task): start(task)
            }
        }
        runningJob = nil
        progress.jobsEnd()
        runQueue.giveBackMemory()
    }

    private func run(_ job: UnownedJob) {
        // A job of a task is the task itself, whose address thereby tells it from any other.
        let identity = unsafeBitCast(job, to: UnsafeRawPointer.self)
        runningJob = identity
        if !suspendedElsewhere.isEmpty { runningTask = suspendedElsewhere.removeValue(forKey: identity) }
        progress.jobBegins()
        job.runSynchronously(on: asExecutor)
        // A task that waits for something of ours has said so, and one that has ended too.
        if progress.hasRunningTask {
            suspendedElsewhere[identity] = runningTask
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

    private func start(_ task: Unmanaged<TaskRecord>) {
        workers.assignment = task
        runWorker(workers.popIdle())
    }

    /// Has a worker that was idle run, or a new one.
    private func runWorker(_ idle: UnsafeContinuation<Void, Never>?) {
        workers.awaitsJob = true
        if let idle {
            idle.resume()
        } else {
            // Detached, because it is nobody's child and inherits nothing. As an operation that throws, and captures the
            // reactor alone, it needs no memory of its own.
            Task<Void, any Error>.detached(executorPreference: self) { await self.work() }
        }
        if let job = workers.job.take() { run(job) }
    }

    func takeAssignment() -> TaskRecord? { workers.assignment.take()?.takeUnretainedValue() }

    /// Assigns the next task that is to start to the worker that asks. What is ready before that is run here, inside of the
    /// worker, which spares the worker a suspension. False when the turn is over first.
    func assignNextStart() -> Bool {
        let worker = runningJob
        let isNested = workers.areNested
        workers.areNested = true
        defer {
            workers.areNested = isNested
            runningJob = worker
        }
        while left > 0, let entry = isNested ? runQueue.popStart() : runQueue.popFirst() {
            left -= 1
            switch entry {
            case .job(let job): run(job)
            case .start(let task):
                progress.jobBegins()
                workers.assignment = task
                return true
            }
        }
        return false
    }

    /// Has the idle workers end: they find nothing assigned.
    private func endWorkers() {
        while let worker = workers.popIdle() { runWorker(worker) }
        progress.jobsEnd()
    }

    /// Tells those who wait for the end of the turn, and then the one that is busy, that it goes on for some time; unless
    /// they are many: then there is as much to do for the others, and what is done once for a turn is to be done once.
    package func turnGoesOn(for busy: any EndOfTurn) {
        guard turnEnds.count <= Self.mostToldOfLongTurns else { return }
        for listener in turnEnds where listener !== busy { listener.turnGoesOn() }
        busy.turnGoesOn()
    }

    private static let mostToldOfLongTurns = 2

    func endTurn() {
        guard !turnEnds.isEmpty else { return }
        swap(&turnEnds, &spareTurnEnds)
        for listener in spareTurnEnds { listener.turnEnds() }
        spareTurnEnds.removeAll(keepingCapacity: true)
    }

    /// Takes turns without the kernel until nothing is left to do at this time. On a thread of `runByHand` only.
    package func settle() {
        repeat { work() } while !isIdle
    }

    private func poll(waiting: Bool) {
        setAlarm()
        ev_run(loop, waiting && !isTimerDueByHand ? Int32(EVRUN_ONCE) : Int32(EVRUN_NOWAIT))
        tellSockets()
    }

    /// Whether a timer is due by a clock that stands still, and for which no alarm is set.
    private var isTimerDueByHand: Bool {
        guard !clock.runsByItself, let earliest = timers.leastPriority else { return false }
        return earliest <= clock.nowNanoseconds
    }

    private var isDeadlocked: Bool {
        tasks.count > 0 && tasks.parkedCount == tasks.count && timers.count == 0 && outsideWakers == 0
            && !wasWokenFromOutside
    }

    /// Whether the stop was asked for.
    var isStopping: Bool { stopRequested.load(ordering: .acquiring) }

    /// Begins anew after an earlier stop.
    func forgetStop() {
        stopRequested.store(false, ordering: .releasing)
    }

    func requestStop() {
        stopRequested.store(true, ordering: .releasing)
        wake()
    }
}
