/// The Swift tasks in which a reactor's green tasks run, one after the other.
///
/// Creating and ending a Swift task takes 400 ns, two thirds of a spawn and join. Therefore a worker whose green task
/// has ended continues with the next one to start, and is idle while there is none.
struct Workers: ~Copyable {
    /// The most idle workers; further ones end. An idle worker takes about 1 400 bytes.
    static let mostIdle = 64

    /// Whether the next job enqueued on the reactor's thread is a worker's, to be run at once.
    var awaitsJob = false
    /// The job of that worker.
    var job: UnownedJob?
    /// The task that the next worker to run starts.
    var assignment: Unmanaged<TaskRecord>?
    /// Whether a worker is running ready jobs. A job that it runs must not do the same, so that the stack does not
    /// grow.
    var areNested = false
    private var idle: [UnsafeContinuation<Void, Never>] = []

    /// Whether another worker may become idle.
    var haveRoom: Bool { idle.count < Self.mostIdle }

    mutating func becomeIdle(_ worker: UnsafeContinuation<Void, Never>) {
        idle.append(worker)
    }

    mutating func popIdle() -> UnsafeContinuation<Void, Never>? { idle.popLast() }
}

extension Reactor {
    /// The whole life of a worker.
    func runWorkerLoop() async {
        while workers.assignment != nil {
            // Not stored in a variable, in which an idle worker would keep the record of its last task alive.
            await takeAssignment()?.live()
            // A Swift task stays cancelled, so that it cannot be used again.
            if Task.isCancelled { return }
            if assignNextStart() { continue }
            guard workers.haveRoom else { return }
            await _unsafeInheritExecutor_withUnsafeContinuation { workers.becomeIdle($0) }
        }
    }
}
