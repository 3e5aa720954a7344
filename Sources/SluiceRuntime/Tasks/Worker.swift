/// The Swift tasks in which a reactor's green tasks live, one after the other.
///
/// To make a Swift task and to end it takes 400 ns, two thirds of a spawn and join. So a worker, whose green task has
/// ended, goes on with the next that is to start; where there is none, it is idle for a while.
struct Workers: ~Copyable {
    /// How many workers may be idle; more of them end. An idle one takes about 1 400 bytes.
    static let mostIdle = 64

    /// Whether the next job that is made ready on the reactor's thread is that of a worker, and to be run at once.
    var awaitsJob = false
    /// The job of that worker.
    var job: UnownedJob?
    /// The task that the next worker to run is to start.
    var assignment: Unmanaged<TaskRecord>?
    /// Whether a worker runs what is ready: a job that it runs must not do so as well, and a stack not grow.
    var areNested = false
    private var idle: [UnsafeContinuation<Void, Never>] = []

    /// Whether one more worker may become idle.
    var haveRoom: Bool { idle.count < Self.mostIdle }

    mutating func becomeIdle(_ worker: UnsafeContinuation<Void, Never>) {
        idle.append(worker)
    }

    mutating func popIdle() -> UnsafeContinuation<Void, Never>? { idle.popLast() }
}

extension Reactor {
    /// The whole life of a worker.
    func work() async {
        while workers.assignment != nil {
            // Not named: an idle worker would keep the task that it worked on last.
            await takeAssignment()?.live()
            // A Swift task stays cancelled for good.
            if Task.isCancelled { return }
            if assignNextStart() { continue }
            guard workers.haveRoom else { return }
            await _unsafeInheritExecutor_withUnsafeContinuation { workers.becomeIdle($0) }
        }
    }
}
