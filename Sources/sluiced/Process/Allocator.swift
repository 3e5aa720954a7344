import CJemalloc

/// The allocator of the process, jemalloc.
///
/// glibc's returns free memory only in one piece, with all other allocations waiting: 60 ms for half a gigabyte that the
/// cancelled messages of one client have left in pieces. jemalloc does it a little at a time, on a thread of its own.
enum Allocator {
    /// Starts the thread. Call this after the sandbox is entered.
    ///
    /// - Returns: false if the system denies the thread. The threads that free memory then return it too, which is slower.
    @discardableResult
    static func startReturningMemory() -> Bool { cjemalloc_start_background_thread() == 0 }
}
