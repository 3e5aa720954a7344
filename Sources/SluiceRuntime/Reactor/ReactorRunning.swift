extension Reactor {
    /// Runs `body` as the main green task on the calling thread, and returns when it has ended.
    ///
    /// Green tasks that are then still there are cancelled and awaited.
    ///
    /// - Throws: what `body` throws; or a `Deadlock` when every task waits on a channel and nothing can wake one. Then
    ///   `body` is cancelled and awaited too.
    public func run<Success: Sendable>(
        _ name: String = "main", _ body: @escaping @Sendable () async throws -> Success
    ) throws -> Success {
        try withThread {
            let main = spawn(name, body)
            do {
                defer { endTasks() }
                try turn(detectingDeadlock: true, until: { main.hasEnded })
            }
            guard let outcome = main.outcome else { throw SluiceError(.misuse, "the main task has not ended") }
            return try outcome.get()
        }
    }

    /// Runs the reactor on a thread of its own until `stop()`, and returns once it turns.
    ///
    /// No deadlock is looked for: other threads may always bring work.
    public func start() throws(SluiceError) {
        try ReactorThread.launch(name) { [self] started in
            do {
                try withThread {
                    forgetStop()
                    started(nil)
                    try turn(detectingDeadlock: false, until: { isStopping })
                    endTasks()
                }
            } catch {
                started(SluiceError(.misuse, "\(error)"))
            }
        }
    }

    /// Cancels every green task, awaits them, and ends the loop of a reactor that was started. Callable from any thread.
    public func stop() {
        requestStop()
    }

    /// Takes the calling thread for the reactor while `body` runs, which has it take turns with `settle`: for simulations,
    /// in which nothing is left to the kernel.
    package func runByHand<Success>(_ body: () throws -> Success) throws -> Success {
        try withThread(body)
    }

    /// Cancels the tasks that are left, and those that they start now, and takes turns until all have ended.
    private func endTasks() {
        tasks.isEnding = true
        defer { tasks.isEnding = false }
        for task in tasks.all { task.cancel() }
        // A turn that looks for no deadlock throws nothing.
        try? turn(detectingDeadlock: false, until: { tasks.count == 0 })
    }
}
