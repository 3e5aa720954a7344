import Glibc
import Synchronization

/// The calling thread, as a number that atomics can hold.
func currentThread() -> UInt {
    UInt(pthread_self())
}

/// The reactor that the calling thread runs, kept in thread-specific storage.
enum CurrentReactor {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        precondition(pthread_key_create(&key, nil) == 0, "the process has no thread-specific storage left")
        return key
    }()

    /// Not retained: a reactor lives longer than a thread is inside its loop.
    static var unretained: Unmanaged<Reactor>? {
        pthread_getspecific(key).map { Unmanaged<Reactor>.fromOpaque($0) }
    }

    static func set(_ reactor: Reactor?) {
        pthread_setspecific(key, reactor.map { Unmanaged.passUnretained($0).toOpaque() })
    }
}

extension Reactor {
    /// The reactor that the calling thread runs; nil on other threads.
    public static var current: Reactor? { CurrentReactor.unretained?.takeUnretainedValue() }

    /// Runs `work` on the reactor's thread: now if that is the calling thread, else in its next turn.
    package func perform(_ work: @escaping @Sendable () -> Void) {
        if isCurrent { work() } else { post(work) }
    }
}

/// A detached operating system thread that runs one closure.
enum ReactorThread {
    typealias Started = @Sendable (SluiceError?) -> Void

    private final class Body {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a new thread, and returns when `body` calls the closure that it is given.
    ///
    /// - Throws: the error that `body` passes to that closure; `.system` when no thread can be created.
    static func launch(_ name: String, _ body: @escaping @Sendable (Started) -> Void) throws(SluiceError) {
        let signal = StartSignal()
        try launchDetached(name) { body { signal.send($0) } }
        if let error = signal.wait() { throw error }
    }

    static func launchDetached(_ name: String, _ run: @escaping @Sendable () -> Void) throws(SluiceError) {
        let body = Unmanaged.passRetained(Body(run: run))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard status == 0 else {
            body.release()
            throw SluiceError(system: status, "cannot start a thread for \(name)")
        }
        pthread_detach(thread)
    }

    /// What one thread waits for until another one sends it, with an error or without.
    private final class StartSignal: @unchecked Sendable {
        // Sendable: `error` is written before the semaphore is posted, and read after the wait for it.
        private var semaphore = sem_t()
        private var error: SluiceError?

        init() { sem_init(&semaphore, 0, 0) }
        deinit { sem_destroy(&semaphore) }

        func send(_ error: SluiceError?) {
            self.error = error
            sem_post(&semaphore)
        }

        func wait() -> SluiceError? {
            while sem_wait(&semaphore) != 0 {}
            return error
        }
    }
}
