import CJemalloc

/// The allocator of the process, jemalloc.
///
/// glibc returns free memory in one step, while all allocations wait: 60 ms for half a gigabyte of small messages that
/// one client has cancelled. jemalloc returns a little at a time, on a thread of its own.
enum Allocator {
    /// Starts that thread. Call this after the sandbox is entered, so that it applies to the thread.
    ///
    /// - Returns: false if the system denies the thread. The threads that free memory then return it too, which is
    ///   slower.
    @discardableResult
    static func startReturningMemory() -> Bool { cjemalloc_start_background_thread() == 0 }

    /// The bytes of the pages that hold objects, including the gaps between the objects. 0 if that is not known.
    static var activeBytes: Int { cjemalloc_active_bytes() }
}
