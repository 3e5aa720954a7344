import Glibc

/// The clock of everything that is timed: nanoseconds that only grow.
enum MonotonicClock {
    static var nowNanoseconds: Int { nanoseconds(CLOCK_MONOTONIC) }

    /// The processor time that this process has used.
    static var processSeconds: Double { Double(nanoseconds(CLOCK_PROCESS_CPUTIME_ID)) / 1e9 }

    private static func nanoseconds(_ clock: clockid_t) -> Int {
        var now = timespec()
        clock_gettime(clock, &now)
        return now.tv_sec &* 1_000_000_000 &+ now.tv_nsec
    }
}
