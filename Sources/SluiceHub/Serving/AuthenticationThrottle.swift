import SluiceWire

/// Slows down clients that guess tokens.
///
/// Wrong tokens are counted for each address and principal. After a few, every further `AUTH` for that principal from
/// that address is decided after a delay, which grows with each wrong token. A right token waits as well, because an
/// immediate answer would show that a guess was right. The delay is at most a second, and does not affect other
/// principals or other addresses. Principals that do not exist are counted as one.
struct AuthenticationThrottle {
    /// What is counted together.
    struct Key: Hashable, Sendable {
        /// Nil for a Unix-domain socket.
        let origin: ClientOrigin?
        /// Nil for principals that do not exist.
        let principal: ChannelName?
    }

    /// When an `AUTH` is decided.
    enum Decision: Sendable, Hashable {
        case now
        /// After this many nanoseconds; call ``AuthenticationThrottle/decided(_:)`` then.
        case later(UInt64)
        /// Not at all, because too many other attempts are waiting. The client gets the error after the longest delay.
        case never
    }

    struct Record {
        fileprivate(set) var failures = 0
        fileprivate(set) var lastFailure: UInt64
        fileprivate(set) var waiting = 0
    }

    /// The wrong tokens before the first delay.
    static let freeFailures = 3
    static let firstDelay: UInt64 = 50_000_000
    static let longestDelay: UInt64 = 1_000_000_000
    /// The time after the last wrong token for which an address is remembered.
    static let memory: UInt64 = 60_000_000_000
    /// The attempts of one address for one principal that may wait at a time.
    static let maxWaiting = 16
    /// The most records. Further addresses share one.
    static let maxRecords = 4096
    private static let sharedKey = Key(origin: nil, principal: nil)

    private(set) var records: [Key: Record] = [:]

    /// The key under which an attempt is counted.
    mutating func key(_ wanted: Key, at now: UInt64) -> Key {
        if records[wanted] != nil || records.count < Self.maxRecords { return wanted }
        records = records.filter { $1.waiting > 0 || now &- $1.lastFailure < Self.memory }
        return records.count < Self.maxRecords ? wanted : Self.sharedKey
    }

    /// Counts an attempt, and returns when to decide it.
    mutating func attempt(_ key: Key, isRight: Bool, at now: UInt64) -> Decision {
        var record = records[key] ?? Record(lastFailure: now)
        if record.waiting == 0, now &- record.lastFailure >= Self.memory { record = Record(lastFailure: now) }
        guard record.waiting < Self.maxWaiting else { return .never }
        if !isRight {
            record.failures += 1
            record.lastFailure = now
        }
        guard record.failures > Self.freeFailures else {
            if !isRight { records[key] = record }
            return .now
        }
        record.waiting += 1
        records[key] = record
        let doublings = min(record.failures - Self.freeFailures - 1, 10)
        return .later(min(Self.firstDelay << doublings, Self.longestDelay))
    }

    /// Notes that a delayed attempt is decided.
    mutating func decided(_ key: Key) {
        records[key]?.waiting -= 1
    }
}

extension Hub {
    /// Counts an attempt to authenticate, and returns when to decide it.
    func attempt(
        _ credentials: Credentials, by id: ConnectionID, on share: ReactorShare, _ users: Users
    ) -> (key: AuthenticationThrottle.Key, decision: AuthenticationThrottle.Decision) {
        let (isRight, isKnown) = (users.accept(credentials), users.contains(credentials.principal))
        var key = AuthenticationThrottle.Key(origin: nil, principal: isKnown ? credentials.principal : nil)
        var decision = AuthenticationThrottle.Decision.now
        transactOnState(share) { state in
            let now = state.machine.now
            let wanted = AuthenticationThrottle.Key(origin: state.origin(of: id), principal: key.principal)
            key = state.throttle.key(wanted, at: now)
            decision = state.throttle.attempt(key, isRight: isRight, at: now)
        }
        return (key, decision)
    }

    /// Notes that a delayed attempt to authenticate is decided.
    func decided(_ key: AuthenticationThrottle.Key, on share: ReactorShare) {
        transactOnState(share) { $0.throttle.decided(key) }
    }
}
