// The only lock in Sluice: `Synchronization.Mutex`, under a name for which a build for ThreadSanitizer has another one.

#if THREAD_SANITIZER

    import Glibc

    /// A value behind a lock that ThreadSanitizer understands.
    ///
    /// It does not understand `Synchronization.Mutex`: the slow path of a contended lock is in a library of the
    /// toolchain that is not instrumented, so that every value locked under contention is reported as a race.
    @usableFromInline
    package struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        // Sendable: `value` is used under the lock only.

        private let mutex: UnsafeMutablePointer<pthread_mutex_t>
        private let value: UnsafeMutablePointer<Value>

        @usableFromInline
        package init(_ value: consuming sending Value) {
            mutex = .allocate(capacity: 1)
            pthread_mutex_init(mutex, nil)
            self.value = .allocate(capacity: 1)
            self.value.initialize(to: value)
        }

        deinit {
            value.deinitialize(count: 1)
            value.deallocate()
            pthread_mutex_destroy(mutex)
            mutex.deallocate()
        }

        @usableFromInline
        package borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            return try body(&value.pointee)
        }
    }

#else

    public import Synchronization

    /// A value behind a lock.
    @usableFromInline
    package typealias Lock<Value: ~Copyable> = Mutex<Value>

#endif
