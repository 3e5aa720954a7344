public import SluiceRuntime
import SluiceWire

/// The description of a process that a hub can run by itself: what it does, on which channels, and its name.
///
/// ```swift
/// try hub.start(BuiltInProcess(.ticker(to: "ticks", every: .seconds(1))))
/// try hub.start(BuiltInProcess(.merge(from: ["jobs:web", "jobs:mail"], to: "jobs"), name: "all-jobs"))
/// ```
///
/// A process receives under a lease. The sender of a message gets its OK when the process has passed the message on:
/// when a receiver at the other end has taken or, under a lease, acknowledged it. If the process fails before, the
/// message goes back to where it stood. So no message is lost, but a message that had reached only some channels of a
/// broadcast is sent to these channels again.
public struct BuiltInProcess: Sendable, Hashable {
    /// The kinds of processes, as they are spelled in the configuration.
    public enum Kind: String, CaseIterable, Sendable {
        case ticker
        case delay
        case echo
        case merge
        case split
        case broadcast
        case filter
        case rateLimit = "rate-limit"
        case sieve
    }

    /// What a process does, with the names of its channels. A process runs until its hub ends.
    public enum Work: Sendable, Hashable {
        /// Sends the number of ticks since its start, in decimal, each time `every` has passed. Ticks never queue: the
        /// next tick replaces one that no receiver has taken.
        case ticker(to: String, every: Duration)
        /// Passes messages on in order, each one `by` later. Holds at most ``maxDelayed`` messages at a time.
        case delay(from: String, to: String, by: Duration)
        /// Passes messages on unchanged.
        case echo(from: String, to: String)
        /// Passes on the messages of several channels, in fair turns. A closed channel is left out, and tried again
        /// every second.
        case merge(from: [String], to: String)
        /// Passes each message on to one of several channels, in rotation. The process waits for a receiver on the
        /// channel whose turn it is, even if another channel has one.
        case split(from: String, to: [String])
        /// Passes each message on to all of several channels. The slowest channel sets the pace.
        case broadcast(from: String, to: [String])
        /// Passes on the messages that begin with `prefix`, and drops the others.
        case filter(from: String, to: String, prefix: [UInt8])
        /// Passes messages on, and pauses for `every` after each one. Idle time does not allow a burst later.
        case rateLimit(from: String, to: String, every: Duration)
        /// Sends the primes up to `upTo` in order, in decimal, and then starts over. It computes a prime when a
        /// receiver has taken the one before.
        case sieve(to: String, upTo: Int)
    }

    /// The most messages that a delay holds. It is less if the hub's limit for the leases of a client is lower.
    public static let maxDelayed = 1024

    /// The allowed limits of a sieve. A sieve has one task for each prime up to the square root of its limit: 3 401 at
    /// most.
    public static let sieveRange = 2...1_000_000_000

    /// The limit of a sieve if none is given.
    public static let defaultSieveLimit = 1_000_000

    /// The name of the process in reports.
    public let name: String
    /// What the process does.
    public let work: Work
    /// The channels of the process.
    let channels: [ChannelName]

    /// Creates a description of a process.
    ///
    /// - Parameter name: follows the rules for channel names. Nil stands for the kind, a colon, and the first channel,
    ///   such as "ticker:ticks".
    /// - Throws: `.misuse` if a name is invalid, a list of channels is empty, a channel is named twice, or a duration
    ///   or the limit of a sieve is out of range.
    public init(_ work: Work, name: String? = nil) throws(SluiceError) {
        let sources = try work.sources.map { text throws(SluiceError) in try ChannelName(checking: text) }
        let targets = try work.targets.map { text throws(SluiceError) in try ChannelName(checking: text) }
        guard let first = sources.first ?? targets.first, !targets.isEmpty, !sources.isEmpty || !work.needsSources
        else {
            throw SluiceError(.misuse, "name at least one channel on each side")
        }
        guard Set(sources + targets).count == sources.count + targets.count else {
            throw SluiceError(.misuse, "name each channel only once")
        }
        if let duration = work.duration, duration < .milliseconds(1) || duration > Limits.maxDuration {
            throw SluiceError(.misuse, "the duration must be from 1ms to 100 years")
        }
        if case .sieve(_, let limit) = work, !Self.sieveRange.contains(limit) {
            let range = Self.sieveRange
            throw SluiceError(.misuse, "the limit of a sieve must be from \(range.lowerBound) to \(range.upperBound)")
        }
        // The kind and a long channel name together can exceed the limit.
        let proposed = name ?? String("\(work.kind.rawValue):\(first)".prefix(Limits.maxNameBytes))
        self.name = try ChannelName(checking: proposed).description
        self.work = work
        channels = sources + targets
    }
}

extension BuiltInProcess.Work {
    /// The kind of the process.
    public var kind: BuiltInProcess.Kind {
        switch self {
        case .ticker: .ticker
        case .delay: .delay
        case .echo: .echo
        case .merge: .merge
        case .split: .split
        case .broadcast: .broadcast
        case .filter: .filter
        case .rateLimit: .rateLimit
        case .sieve: .sieve
        }
    }

    fileprivate var needsSources: Bool {
        switch self {
        case .ticker, .sieve: false
        case .delay, .echo, .merge, .split, .broadcast, .filter, .rateLimit: true
        }
    }

    fileprivate var sources: [String] {
        switch self {
        case .ticker, .sieve: []
        case .merge(let from, _): from
        case .delay(let from, _, _), .echo(let from, _), .split(let from, _), .broadcast(let from, _),
            .filter(let from, _, _), .rateLimit(let from, _, _):
            [from]
        }
    }

    fileprivate var targets: [String] {
        switch self {
        case .split(_, let to), .broadcast(_, let to): to
        case .ticker(let to, _), .sieve(let to, _), .merge(_, let to), .delay(_, let to, _), .echo(_, let to),
            .filter(_, let to, _), .rateLimit(_, let to, _):
            [to]
        }
    }

    fileprivate var duration: Duration? {
        switch self {
        case .ticker(_, let duration), .delay(_, _, let duration), .rateLimit(_, _, let duration): duration
        case .echo, .merge, .split, .broadcast, .filter, .sieve: nil
        }
    }
}
