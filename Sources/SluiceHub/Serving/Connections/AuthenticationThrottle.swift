import SluiceRuntime
import SluiceWire

/// Slows down clients that guess tokens.
///
/// Wrong tokens are counted for each address and principal. After a few, every further `AUTH` for that principal from
/// that address is decided after a delay, which grows with each wrong token. A right token waits as well, because an
/// immediate answer would show that a guess was right. The delay is at most a second, and does not affect other
/// principals or other addresses. Principals that do not exist are counted as one.
///
/// Wrong tokens for a principal are also counted for all addresses together. After many in a minute, addresses from
/// which the principal has not authenticated before wait as well, and only some of them at a time.
struct AuthenticationThrottle {
    /// What is counted together.
    struct Key: Hashable, Sendable {
        /// Nil for a client without an address and a user.
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
    /// The wrong tokens for a principal in a minute, from all addresses, before addresses that are new to it wait.
    static let freeFailuresOfAll = 64
    /// The attempts for a principal from new addresses that may wait at a time.
    static let maxWaitingOfAll = 64
    /// The addresses of a principal that are remembered as known, the latest ones.
    static let maxKnownOrigins = 16
    /// The time after the last wrong token for which an address is remembered.
    static let memory: UInt64 = 60_000_000_000
    /// The attempts of one address for one principal that may wait at a time.
    static let maxWaiting = 16
    /// The most records. Further addresses share one.
    static let maxRecords = 4096
    private static let sharedKey = Key(origin: nil, principal: nil)

    /// What is counted for a principal, for all addresses together.
    private struct Whole {
        /// The end of the minute in which failures are counted.
        var end: UInt64
        var failures = 0
        var waiting = 0
        /// The origins from which the principal has authenticated.
        var known: [ClientOrigin?] = []

        mutating func remember(_ origin: ClientOrigin?) {
            if known.contains(origin) { return }
            if known.count == maxKnownOrigins { known.removeFirst() }
            known.append(origin)
        }
    }

    private(set) var records: [Key: Record] = [:]
    /// By principal. Nil stands for those that do not exist.
    private var wholes: [ChannelName?: Whole] = [:]

    /// The key under which an attempt is counted.
    mutating func key(_ wanted: Key, at now: UInt64) -> Key {
        if records[wanted] != nil || records.count < Self.maxRecords { return wanted }
        if wholes[wanted.principal]?.known.contains(wanted.origin) == true { return wanted }
        records = records.filter { $1.waiting > 0 || now &- $1.lastFailure < Self.memory }
        return records.count < Self.maxRecords ? wanted : Self.sharedKey
    }

    /// Counts an attempt, and returns when to decide it.
    mutating func attempt(_ key: Key, isRight: Bool, at now: UInt64) -> Decision {
        var record = records[key] ?? Record(lastFailure: now)
        if record.waiting == 0, now &- record.lastFailure >= Self.memory { record = Record(lastFailure: now) }
        var whole = wholes[key.principal] ?? Whole(end: now &+ Self.memory)
        if now >= whole.end { (whole.failures, whole.end) = (0, now &+ Self.memory) }
        let isKnown = whole.known.contains(key.origin)
        guard record.waiting < Self.maxWaiting, isKnown || whole.waiting < Self.maxWaitingOfAll else { return .never }
        if isRight {
            whole.remember(key.origin)
        } else {
            record.failures += 1
            record.lastFailure = now
            whole.failures += 1
        }
        let delay = delay(after: record.failures, isKnown ? 0 : whole.failures)
        if delay != nil {
            record.waiting += 1
            whole.waiting += 1
        }
        wholes[key.principal] = whole
        if delay != nil || !isRight { records[key] = record }
        return delay.map { .later($0) } ?? .now
    }

    /// The delay of an attempt. Nil if it is decided at once.
    ///
    /// - Parameters:
    ///   - failures: the wrong tokens for the principal from the same address.
    ///   - failuresOfAll: those from all addresses, or 0 if they do not delay the attempt.
    private func delay(after failures: Int, _ failuresOfAll: Int) -> UInt64? {
        if failuresOfAll > Self.freeFailuresOfAll { return Self.longestDelay }
        guard failures > Self.freeFailures else { return nil }
        return min(Self.firstDelay << min(failures - Self.freeFailures - 1, 10), Self.longestDelay)
    }

    /// Notes that a delayed attempt is decided.
    mutating func decided(_ key: Key) {
        records[key]?.waiting -= 1
        wholes[key.principal]?.waiting -= 1
    }
}

extension Hub {
    /// Counts an attempt to authenticate, and returns when to decide it.
    func attempt(
        _ credentials: Credentials, by id: ConnectionID, on share: ReactorShare, _ principals: Principals
    ) -> (key: AuthenticationThrottle.Key, decision: AuthenticationThrottle.Decision) {
        let isRight = principals.accept(credentials.principal, TokenDigest(of: credentials.token))
        let isKnown = principals[credentials.principal] != nil
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
