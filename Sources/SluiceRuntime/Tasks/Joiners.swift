/// Whether a task has ended and what waits for its end; says what the task's `joinWord` holds.
@usableFromInline
enum JoinStage: UInt8 {
    /// No task waits. The word is nil.
    case alone
    /// One task waits. The word is its continuation.
    case awaited
    /// Several tasks wait, or did. The word is a retained `Joiners`.
    case awaitedBySeveral
    /// The task has returned. The word is a `Parcel` with its result.
    case succeeded
    /// The task has thrown. The word is a `Parcel` with its error.
    case failed

    @usableFromInline var isEnd: Bool {
        switch self {
        case .alone, .awaited, .awaitedBySeveral: false
        case .succeeded, .failed: true
        }
    }
}

/// Several tasks that wait for the end of one green task. Most tasks have at most one joiner, which needs no memory:
/// see `JoinStage`.
final class Joiners {
    typealias Joiner = UnsafeContinuation<JoinVerdict, Never>

    /// The first joiner, while it waits.
    private var first: Joiner?
    private var others = WaitQueue<Joiner>()
    private var links: [(number: UInt64, action: @Sendable () -> Void)] = []
    private var lastLink: UInt64 = 0

    private init(_ first: Joiner?) {
        self.first = first
    }

    /// The ticket of the first joiner. It is never ambiguous, because a ticket is used once, and a task has one first
    /// joiner at a time.
    private static var firstTicket: WaitTicket { .ofNoQueue }

    /// Adds a joiner.
    ///
    /// - Returns: its ticket; nil when the task has ended.
    static func add(_ joiner: Joiner, _ stage: inout JoinStage, _ word: inout UnsafeMutableRawPointer?) -> WaitTicket? {
        switch stage {
        case .alone:
            stage = .awaited
            word = unsafeBitCast(joiner, to: UnsafeMutableRawPointer.self)
            return firstTicket
        case .awaited, .awaitedBySeveral, .succeeded, .failed:
            return makeSeveral(&stage, &word)?.others.append(joiner)
        }
    }

    /// Returns the object for several joiners of a task, and makes it if there is none; nil when the task has ended.
    private static func makeSeveral(_ stage: inout JoinStage, _ word: inout UnsafeMutableRawPointer?) -> Joiners? {
        switch stage {
        case .alone, .awaited:
            let joiners = Joiners(stage == .awaited ? word.map(joiner(at:)) : nil)
            stage = .awaitedBySeveral
            word = Unmanaged.passRetained(joiners).toOpaque()
            return joiners
        case .awaitedBySeveral: return word.map { joiners(at: $0).takeUnretainedValue() }
        case .succeeded, .failed: return nil
        }
    }

    /// Adds a closure to call when the task ends.
    ///
    /// - Returns: its number, for `removeLink`; nil when the task has ended.
    static func addLink(
        _ action: @escaping @Sendable () -> Void, _ stage: inout JoinStage, _ word: inout UnsafeMutableRawPointer?
    ) -> UInt64? {
        makeSeveral(&stage, &word)?.addLink(action)
    }

    private func addLink(_ action: @escaping @Sendable () -> Void) -> UInt64 {
        lastLink += 1
        links.append((lastLink, action))
        return lastLink
    }

    /// Removes a closure; does nothing when it was called or removed already.
    static func removeLink(_ number: UInt64, _ stage: JoinStage, _ word: UnsafeMutableRawPointer?) {
        guard stage == .awaitedBySeveral, let word else { return }
        joiners(at: word).takeUnretainedValue().links.removeAll { $0.number == number }
    }

    /// Takes a joiner out; returns nil when it has been resumed already.
    static func remove(
        _ ticket: WaitTicket, _ stage: inout JoinStage, _ word: inout UnsafeMutableRawPointer?
    ) -> Joiner? {
        switch stage {
        case .awaited:
            stage = .alone
            return word.take().map(joiner(at:))
        case .awaitedBySeveral:
            return word.flatMap { joiners(at: $0).takeUnretainedValue().remove(ticket) }
        case .alone, .succeeded, .failed:
            return nil
        }
    }

    private func remove(_ ticket: WaitTicket) -> Joiner? {
        ticket == Self.firstTicket ? first.take() : others.remove(ticket)
    }

    /// Calls the links, and resumes the joiners that waited when the task ended. Call without the lock.
    static func resume(_ stage: JoinStage, _ word: UnsafeMutableRawPointer?) {
        guard let word else { return }
        switch stage {
        case .awaited: joiner(at: word).resume(returning: .ended)
        case .awaitedBySeveral: joiners(at: word).takeRetainedValue().resumeAll()
        case .alone, .succeeded, .failed: break
        }
    }

    private func resumeAll() {
        for link in links { link.action() }
        first?.resume(returning: .ended)
        while let joiner = others.popFirst() { joiner.resume(returning: .ended) }
    }

    private static func joiner(at word: UnsafeMutableRawPointer) -> Joiner {
        unsafeBitCast(word, to: Joiner.self)
    }

    private static func joiners(at word: UnsafeMutableRawPointer) -> Unmanaged<Joiners> {
        Unmanaged<Joiners>.fromOpaque(word)
    }
}

/// How a wait for the end of a task ended.
enum JoinVerdict: WaitVerdict {
    case ended
    case withdrawn(WithdrawalReason)
}
