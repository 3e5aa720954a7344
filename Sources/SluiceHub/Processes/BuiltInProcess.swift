public import SluiceRuntime
import SluiceWire

/// A process that a hub can run by itself, beside its channels: which one, on which channels, called what.
///
/// ```swift
/// try hub.start(BuiltInProcess(.ticker(to: "ticks", every: .seconds(1))))
/// try hub.start(BuiltInProcess(.merge(from: ["jobs:web", "jobs:mail"], to: "jobs"), name: "all-jobs"))
/// ```
///
/// The sender of a message that a process passes on gets its OK when the message got through: when a receiver at the
/// other end has taken or, under a lease, acknowledged it. Until then a process that fails gives the message back to
/// where it stood. So none is lost; one that was sent to some of a broadcast's channels is sent to them again.
public struct BuiltInProcess: Sendable, Hashable {
    /// What processes there are, in the words of the configuration.
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

    /// What a process does, with the names of its channels. All of them run until their hub ends.
    public enum Work: Sendable, Hashable {
        /// Sends the number of ticks since it was started, in decimal, each time that `every` has passed. A tick that
        /// nobody has taken gives way to the next: they never queue.
        case ticker(to: String, every: Duration)
        /// Passes messages on, each one `by` later, in order. Holds at most ``maxDelayed`` of them at a time.
        case delay(from: String, to: String, by: Duration)
        /// Passes messages on as they are.
        case echo(from: String, to: String)
        /// Passes on the messages of several channels, fairly in turn. One that is closed is left out, and looked at
        /// again every second.
        case merge(from: [String], to: String)
        /// Passes each message on to one of several channels: to the first one, the second one, and so on round and
        /// round. It waits for a receiver on the channel whose turn it is, even if there is one on another.
        case split(from: String, to: [String])
        /// Passes each message on to every one of several channels; the slowest gates.
        case broadcast(from: String, to: [String])
        /// Passes on the messages that begin with `prefix`, and drops the others.
        case filter(from: String, to: String, prefix: [UInt8])
        /// Passes messages on, and rests for `every` after each one. No time is saved up.
        case rateLimit(from: String, to: String, every: Duration)
        /// Sends the primes up to `upTo` in order, in decimal, each one found when the one before was taken; then begins
        /// anew.
        case sieve(to: String, upTo: Int)
    }

    /// How many messages a delay holds at most, or less where one client may hold fewer.
    public static let maxDelayed = 1024

    /// What a sieve may be asked for. Its tasks number the primes up to the square root: 3 401 at most.
    public static let sieveRange = 2...1_000_000_000

    /// What a sieve is asked for where nothing is said.
    public static let defaultSieveLimit = 1_000_000

    /// What the process is called in reports.
    public let name: String
    /// What it does.
    public let work: Work

    /// - Parameter name: as that of a channel; nil for the kind, a colon, and the first channel: "ticker:ticks".
    /// - Throws: `.misuse` when a name is none, a list is empty, a channel is named twice, a duration is shorter than a
    ///   millisecond, or a sieve goes too far.
    public init(_ work: Work, name: String? = nil) throws(SluiceError) {
        let sources = try work.sources.map { text throws(SluiceError) in try ChannelName(checking: text) }
        let targets = try work.targets.map { text throws(SluiceError) in try ChannelName(checking: text) }
        guard let first = sources.first ?? targets.first, !targets.isEmpty, !sources.isEmpty || !work.needsSources
        else {
            throw SluiceError(.misuse, "it has no channel to receive from, or none to send to")
        }
        guard Set(sources + targets).count == sources.count + targets.count else {
            throw SluiceError(.misuse, "it names a channel twice")
        }
        if let duration = work.duration, duration < .milliseconds(1) || duration > Limits.maxDuration {
            throw SluiceError(.misuse, "its duration is not from 1ms to 100 years")
        }
        if case .sieve(_, let limit) = work, !Self.sieveRange.contains(limit) {
            let range = Self.sieveRange
            throw SluiceError(.misuse, "its limit is not from \(range.lowerBound) to \(range.upperBound)")
        }
        // The kind and a long name of a channel make too long a name.
        let proposed = name ?? String("\(work.kind.rawValue):\(first)".prefix(Limits.maxNameBytes))
        self.name = try ChannelName(checking: proposed).description
        self.work = work
    }
}

extension BuiltInProcess.Work {
    /// The word for what is done.
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
