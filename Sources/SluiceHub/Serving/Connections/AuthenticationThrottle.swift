import SluiceRuntime
import SluiceWire

/// Slows down clients that guess tokens.
///
/// Wrong tokens are counted for each address. After a few, every further `AUTH` from that address is decided after a
/// delay, which grows with each wrong token. A right token waits as well, because an immediate answer would show that a
/// guess was right. The delay is at most a second. A principal that has authenticated from the address before has a
/// count of its own there, so that it does not wait for the guesses of others.
///
/// Wrong tokens for a principal are also counted for all addresses together. After many in a minute, addresses from
/// which the principal has not authenticated before wait as well, and only some of them at a time.
///
/// Whether a principal exists makes no difference, because the delays would tell it: names are counted by a hash.
struct AuthenticationThrottle {
    /// What is counted together.
    struct Key: Hashable, Sendable {
        /// Nil for a client without an address and a user.
        let origin: ClientOrigin?
        /// Nil for principals that have not authenticated from there.
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
    /// The attempts of one address that may wait at a time, or of one of its principals.
    static let maxWaiting = 16
    /// The most records. Further addresses share one.
    static let maxRecords = 4096
    private static let sharedKey = Key(origin: nil, principal: nil)

    /// What is counted for the principals whose names have the same hash, for all addresses together.
    private struct Whole {
        /// The end of the minute in which failures are counted.
        var end: UInt64
        var failures = 0
        var waiting = 0
    }

    private(set) var records: [Key: Record] = [:]
    /// By the hash of the principal's name.
    private var wholes: [Int: Whole] = [:]
    private static let maxWholes = 4096
    /// The origins from which each principal has authenticated, the latest ones.
    private var known: [ChannelName: [ClientOrigin?]] = [:]

    private static func hash(_ principal: ChannelName) -> Int { principal.hashValue & (maxWholes - 1) }

    private func isKnown(_ principal: ChannelName, from origin: ClientOrigin?) -> Bool {
        known[principal]?.contains(origin) == true
    }

    private mutating func remember(_ principal: ChannelName, from origin: ClientOrigin?) {
        if isKnown(principal, from: origin) { return }
        if known[principal]?.count == Self.maxKnownOrigins { known[principal]?.removeFirst() }
        known[principal, default: []].append(origin)
    }

    /// The key under which an attempt is counted.
    mutating func key(for principal: ChannelName, from origin: ClientOrigin?, at now: UInt64) -> Key {
        if isKnown(principal, from: origin) { return Key(origin: origin, principal: principal) }
        let wanted = Key(origin: origin, principal: nil)
        if records[wanted] != nil || records.count < Self.maxRecords { return wanted }
        records = records.filter { $1.waiting > 0 || now &- $1.lastFailure < Self.memory }
        return records.count < Self.maxRecords ? wanted : Self.sharedKey
    }

    /// Counts an attempt, and returns when to decide it.
    ///
    /// - Parameter origin: the client's origin, which `key` need not have.
    mutating func attempt(
        _ key: Key, for principal: ChannelName, from origin: ClientOrigin?, isRight: Bool, at now: UInt64
    ) -> Decision {
        var record = records[key] ?? Record(lastFailure: now)
        if record.waiting == 0, now &- record.lastFailure >= Self.memory { record = Record(lastFailure: now) }
        let hash = Self.hash(principal)
        var whole = wholes[hash] ?? Whole(end: now &+ Self.memory)
        if now >= whole.end { (whole.failures, whole.end) = (0, now &+ Self.memory) }
        let isKnown = key.principal != nil
        guard record.waiting < Self.maxWaiting, isKnown || whole.waiting < Self.maxWaitingOfAll else { return .never }
        if isRight {
            remember(principal, from: origin)
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
        wholes[hash] = whole
        if delay != nil || !isRight { records[key] = record }
        return delay.map { .later($0) } ?? .now
    }

    /// The delay of an attempt. Nil if it is decided at once.
    ///
    /// - Parameters:
    ///   - failures: the wrong tokens from the same address, or those for a principal that it knows.
    ///   - failuresOfAll: those for the principal from all addresses, or 0 if they do not delay the attempt.
    private func delay(after failures: Int, _ failuresOfAll: Int) -> UInt64? {
        if failuresOfAll > Self.freeFailuresOfAll { return Self.longestDelay }
        guard failures > Self.freeFailures else { return nil }
        return min(Self.firstDelay << min(failures - Self.freeFailures - 1, 10), Self.longestDelay)
    }

    /// Notes that a delayed attempt is decided.
    mutating func decided(_ key: Key, for principal: ChannelName) {
        records[key]?.waiting -= 1
        wholes[Self.hash(principal)]?.waiting -= 1
    }
}

extension Hub {
    /// Counts an attempt to authenticate, and returns when to decide it.
    func attempt(
        _ credentials: Credentials, by id: ConnectionID, on share: ReactorShare, _ principals: Principals
    ) -> (key: AuthenticationThrottle.Key, decision: AuthenticationThrottle.Decision) {
        let isRight = principals.accept(credentials.principal, TokenDigest(of: credentials.token))
        var key = AuthenticationThrottle.Key(origin: nil, principal: nil)
        var decision = AuthenticationThrottle.Decision.now
        transactOnState(share) { state in
            let (now, origin) = (state.machine.now, state.origin(of: id))
            key = state.throttle.key(for: credentials.principal, from: origin, at: now)
            decision = state.throttle.attempt(key, for: credentials.principal, from: origin, isRight: isRight, at: now)
        }
        return (key, decision)
    }

    /// Notes that a delayed attempt to authenticate is decided.
    func decided(_ key: AuthenticationThrottle.Key, for principal: ChannelName, on share: ReactorShare) {
        transactOnState(share) { $0.throttle.decided(key, for: principal) }
    }
}
