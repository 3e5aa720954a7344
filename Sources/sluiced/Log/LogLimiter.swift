/// Limits how many lines of one kind about one address the log gets, so that no client can flood it.
struct LogLimiter {
    /// What is counted together.
    struct Key: Hashable, Sendable {
        /// What happened, such as "connection closed: refused".
        let kind: String
        /// The address of the client without its port, or the network.
        let origin: String
    }

    private struct Window {
        let end: UInt64
        var lines: Int
        var leftOut = 0

        /// Counts a line.
        ///
        /// - Returns: whether it may be written.
        mutating func count() -> Bool {
            let isAdmitted = lines < LogLimiter.linesPerWindow
            if isAdmitted { lines += 1 } else { leftOut += 1 }
            return isAdmitted
        }
    }

    /// The lines of one kind about one address in each window.
    static let linesPerWindow = 5
    static let windowNanoseconds: UInt64 = 60_000_000_000
    /// The most keys that are counted apart. Further addresses are counted together.
    static let maxKeys = 1024
    /// Stands for the addresses beyond ``maxKeys``.
    static let otherOrigins = "others"

    private var windows: [Key: Window] = [:]

    /// Counts a line.
    ///
    /// - Parameter now: the time in nanoseconds of a monotonic clock.
    /// - Returns: whether the line may be written.
    mutating func admits(_ key: Key, at now: UInt64) -> Bool {
        if let index = windows.index(forKey: key) { return windows.values[index].count() }
        let hasSpace = windows.count < Self.maxKeys
        let key = hasSpace ? key : Key(kind: key.kind, origin: Self.otherOrigins)
        return windows[key, default: Window(end: now &+ Self.windowNanoseconds, lines: 0)].count()
    }

    /// Removes the windows that have ended, and returns the lines that were left out in them.
    mutating func takeEnded(at now: UInt64) -> [(key: Key, leftOut: Int)] {
        let ended = windows.filter { $0.value.end <= now }
        for key in ended.keys { windows[key] = nil }
        return ended.filter { $0.value.leftOut > 0 }.map { ($0.key, $0.value.leftOut) }
            .sorted { ($0.0.kind, $0.0.origin) < ($1.0.kind, $1.0.origin) }
    }
}
