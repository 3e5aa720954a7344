// What the build for ThreadSanitizer needs to know of a continuation; nothing in any other build.

#if THREAD_SANITIZER

    // A task that is resumed before it has come to wait does not go through an executor: Swift's runtime hands the
    // result over through an atomic of its own. The runtime is not instrumented and tells ThreadSanitizer of its
    // executors only, so that whatever the resuming thread wrote is reported as a race. (A program of thirty lines shows
    // it: a thread of its own writes to an object and resumes; a report if the task lingers in the closure of
    // `withUnsafeContinuation`, none if the thread does.) The functions below, which take the place of the library's in
    // this module, say what the runtime does not.

    @_silgen_name("__tsan_acquire")
    private func acquire(_ address: UnsafeRawPointer)

    @_silgen_name("__tsan_release")
    private func release(_ address: UnsafeRawPointer)

    /// The address that stands for the hand-over: that of the task, which a continuation is.
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

    /// Generic, so that it calls the library's function.
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
