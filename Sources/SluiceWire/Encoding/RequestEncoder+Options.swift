/// Encoders for options. Each includes the space before it, and leaves out an option that is nil.
extension [UInt8] {
    mutating func append(timeout: Duration?) {
        if let timeout { append(" timeout=", timeout) }
    }

    mutating func append(delay: Duration?) {
        if let delay { append(" delay=", delay) }
    }

    /// Raises a shorter lease to the minimum of one millisecond, because the server refuses a lease of zero.
    mutating func append(lease: Duration?) {
        if let lease { append(" lease=", Swift.max(lease, .milliseconds(1))) }
    }

    /// Sends the duration in milliseconds, rounded up so that the server never waits for less than was asked.
    mutating func append(_ key: StaticString, _ duration: Duration) {
        let (seconds, attoseconds) = Swift.min(Swift.max(duration, .zero), Limits.maxDuration).components
        let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
        let milliseconds = (attoseconds + attosecondsPerMillisecond - 1) / attosecondsPerMillisecond
        append(key)
        append(decimal: Int(seconds * 1000 + milliseconds))
        append("ms")
    }

    /// Sends a negative number as zero. Where zero is not allowed either, the server refuses it.
    mutating func append(_ key: StaticString, _ number: Int?) {
        guard let number else { return }
        append(key)
        append(decimal: Swift.max(number, 0))
    }

    mutating func append(_ key: StaticString, _ word: (some RawRepresentable<String>)?) {
        guard let word else { return }
        append(key)
        append(contentsOf: word.rawValue.utf8)
    }

    mutating func append(id: MessageID?) {
        guard let id else { return }
        append(" id=")
        append(contentsOf: id.description.utf8)
    }

    mutating func append(trace: TraceContext?) {
        guard let trace else { return }
        append(" trace=")
        append(contentsOf: trace.description.utf8)
    }

    mutating func append(waitsAfterEOF: Bool) {
        if waitsAfterEOF { append(" eof=wait") }
    }
}
