// Tells ThreadSanitizer about continuations. Empty in other builds.

#if THREAD_SANITIZER

    // A task that is resumed before it waits does not go through an executor: Swift's runtime passes the result through
    // an atomic of its own. The runtime is not instrumented and tells ThreadSanitizer about its executors only, so that
    // what the resuming thread wrote is reported as a race. (Thirty lines reproduce it: another thread writes to an
    // object and resumes. There is a report if the task is still in the closure of `withUnsafeContinuation`, and none
    // otherwise.) The functions below replace the library's in this module, and tell ThreadSanitizer what the runtime
    // does not.

    @_silgen_name("__tsan_acquire")
    private func acquire(_ address: UnsafeRawPointer)

    @_silgen_name("__tsan_release")
    private func release(_ address: UnsafeRawPointer)

    /// The address that identifies the hand-over: that of the task, to which a continuation is a pointer.
    private func address<Value>(of continuation: UnsafeContinuation<Value, Never>) -> UnsafeRawPointer {
        unsafeBitCast(continuation, to: UnsafeRawPointer.self)
    }

    extension UnsafeContinuation where T: WaitVerdict, E == Never {
        @usableFromInline
        func resume(returning verdict: T) {
            release(address(of: self))
            resumeUnseen(self, verdict)
        }
    }

    /// Generic, so that the call in it is to the library's function.
    private func resumeUnseen<Value: Sendable>(_ continuation: UnsafeContinuation<Value, Never>, _ value: Value) {
        continuation.resume(returning: value)
    }

    @usableFromInline
    nonisolated(nonsending) func withUnsafeContinuation<Verdict: WaitVerdict>(
        _ body: (UnsafeContinuation<Verdict, Never>) -> Void
    ) async -> Verdict {
        var resumed: UnsafeRawPointer?
        let verdict = await _Concurrency.withUnsafeContinuation { (continuation: UnsafeContinuation<Verdict, Never>) in
            resumed = address(of: continuation)
            body(continuation)
        }
        if let resumed { acquire(resumed) }
        return verdict
    }

    @usableFromInline
    nonisolated(nonsending) func _unsafeInheritExecutor_withUnsafeContinuation<Verdict: WaitVerdict>(
        _ body: (UnsafeContinuation<Verdict, Never>) -> Void
    ) async -> Verdict {
        await withUnsafeContinuation(body)
    }

#endif
