import Glibc
import Synchronization

/// The calling thread, as a number that atomics can hold.
func currentThread() -> UInt {
    UInt(pthread_self())
}

/// The reactor that the calling thread runs, kept in thread-specific storage: one load finds it.
enum CurrentReactor {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        precondition(pthread_key_create(&key, nil) == 0, "the process has no thread-specific storage left")
        return key
    }()

    /// Not retained: a reactor outlives the thread that is inside its loop.
    static var unretained: Unmanaged<Reactor>? {
        pthread_getspecific(key).map { Unmanaged<Reactor>.fromOpaque($0) }
    }

    static func set(_ reactor: Reactor?) {
        pthread_setspecific(key, reactor.map { Unmanaged.passUnretained($0).toOpaque() })
    }
}

extension Reactor {
    /// The reactor that the calling thread runs.
    public static var current: Reactor? { CurrentReactor.unretained?.takeUnretainedValue() }

    /// Runs `work` on the reactor's thread: at once when that is the calling one, else soon.
    func perform(_ work: @escaping @Sendable () -> Void) {
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

    /// Runs `body` on a new thread, and returns when `body` calls the closure that it is given; throws the error that
    /// `body` hands to it.
    static func launch(_ name: String, _ body: @escaping @Sendable (Started) -> Void) throws(SluiceError) {
        let gate = Gate()
        try launchDetached(name) { body { gate.open($0) } }
        if let error = gate.wait() { throw error }
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

    /// Holds one thread until another lets it go on, with an error or without.
    private final class Gate: @unchecked Sendable {
        // Sendable: `error` is written before the semaphore is posted, and read after it was waited for.
        private var semaphore = sem_t()
        private var error: SluiceError?

        init() { sem_init(&semaphore, 0, 0) }
        deinit { sem_destroy(&semaphore) }

        func open(_ error: SluiceError?) {
            self.error = error
            sem_post(&semaphore)
        }

        func wait() -> SluiceError? {
            while sem_wait(&semaphore) != 0 {}
            return error
        }
    }
}
