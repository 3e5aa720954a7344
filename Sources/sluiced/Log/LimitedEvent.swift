import SluiceHub

/// The lines about clients that the log counts together, identified without building their text.
struct LimitedEvent: Hashable {
    enum Origin: Hashable {
        case client(ClientOrigin)
        case address(String)

        init(_ event: ClientEvent) {
            self = event.origin.map { .client($0) } ?? .address(event.address)
        }
    }

    let message: String
    let detail: String?
    let origin: Origin
}

/// The keys under which the lines about clients are counted. Writing a key takes longer than looking it up.
struct LimitedKeys {
    /// A cache with more keys is emptied.
    private static let maxCount = LogLimiter.maxKeys

    private var keys: [LimitedEvent: LogLimiter.Key] = [:]
    var count: Int { keys.count }

    mutating func key(of event: LimitedEvent, _ write: () -> LogLimiter.Key) -> LogLimiter.Key {
        if let key = keys[event] { return key }
        if keys.count >= Self.maxCount { keys.removeAll() }
        let key = write()
        keys[event] = key
        return key
    }
}
