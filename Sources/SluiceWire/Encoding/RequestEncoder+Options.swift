/// Options, each with the space before it; what is nil is left out.
extension [UInt8] {
    mutating func append(timeout: Duration?) {
        if let timeout { append(" timeout=", timeout) }
    }

    mutating func append(delay: Duration?) {
        if let delay { append(" delay=", delay) }
    }

    /// No lease is too short to be one: nobody could acknowledge the message.
    mutating func append(lease: Duration?) {
        if let lease { append(" lease=", Swift.max(lease, .milliseconds(1))) }
    }

    /// Durations are sent in milliseconds, rounded up: never is less asked for than was meant.
    private mutating func append(_ key: StaticString, _ duration: Duration) {
        let (seconds, attoseconds) = Swift.min(Swift.max(duration, .zero), Limits.maxDuration).components
        let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
        let milliseconds = (attoseconds + attosecondsPerMillisecond - 1) / attosecondsPerMillisecond
        append(key)
        append(decimal: Int(seconds * 1000 + milliseconds))
        append("ms")
    }

    /// A negative number is sent as zero, which is what it can only mean or what the server refuses.
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

    mutating func append(waitsAfterEOF: Bool) {
        if waitsAfterEOF { append(" eof=wait") }
    }
}
