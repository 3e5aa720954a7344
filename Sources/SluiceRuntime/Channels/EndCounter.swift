import Synchronization

/// What the ends of one channel share: the channel, and how many ends of each kind are out.
///
/// The retire of PyCSP and the reference counts of Rust's `mpsc`: the last sending end that goes closes the channel,
/// the last receiving end that goes has it refuse its senders.
@usableFromInline
final class EndCounter<Element: Sendable>: Sendable {
    @usableFromInline let channel: Channel<Element>
    private let sendingEnds: Atomic<Int>
    private let receivingEnds: Atomic<Int>
    private let whenUnwanted: @Sendable () -> Void

    /// - Parameters:
    ///   - sendingEnds: how many there are to begin with; 0 where the messages do not come through counted ends.
    ///   - whenUnwanted: called when nobody receives any more: the last receiving end has gone, or an end poisoned the
    ///     channel. May be called from any thread, and more than once.
    init(of channel: Channel<Element>, sendingEnds: Int, whenUnwanted: @escaping @Sendable () -> Void = {}) {
        self.channel = channel
        self.sendingEnds = Atomic(sendingEnds)
        receivingEnds = Atomic(1)
        self.whenUnwanted = whenUnwanted
    }

    func addSendingEnd() {
        sendingEnds.add(1, ordering: .relaxed)
    }

    func addReceivingEnd() {
        receivingEnds.add(1, ordering: .relaxed)
    }

    func removeSendingEnd() {
        guard sendingEnds.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        channel.close(reason: "its last sender has gone")
    }

    func removeReceivingEnd() {
        guard receivingEnds.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        channel.refuseSenders()
        whenUnwanted()
    }

    func poison(reason: String?) {
        channel.poison(reason: reason)
        whenUnwanted()
    }
}

/// Whether one end still counts.
@usableFromInline
struct EndLife: ~Copyable, Sendable {
    private let hasEnded = Atomic<Bool>(false)

    init() {}

    @usableFromInline var isOver: Bool { hasEnded.load(ordering: .relaxed) }

    /// Ends the life; false when it had ended before.
    func end() -> Bool {
        !hasEnded.exchange(true, ordering: .acquiringAndReleasing)
    }

    /// - Throws: `.misuse` once the end was left.
    @usableFromInline
    func check(_ source: WaitSource) throws(SluiceError) {
        guard !isOver else {
            throw SluiceError(.misuse, "this end of \(source.waitDescription) was left")
        }
    }
}

extension Channel {
    /// Makes a channel that is only reached through its ends: hand one to whoever sends, one to whoever receives, and
    /// `copy()` them for more.
    ///
    /// The channel retires when nobody is left on one of its sides. Without a sending end it is closed: what is
    /// buffered or parked is still received, then the end. Without a receiving end its senders get `.closed`, also
    /// those that wait. Both kinds of end exist from the beginning, so no early sender can retire a channel before the
    /// others have come.
    ///
    /// ```swift
    /// let (jobs, workers) = Channel<Job>.ends(name: "jobs")
    /// nursery.spawn("reader") {
    ///     defer { jobs.leave() }
    ///     for line in lines { try await jobs.send(Job(line)) }
    /// }
    /// nursery.spawn("worker") { for try await job in workers { try await job.run() } }
    /// ```
    ///
    /// A variable keeps its end in use at most for as long as its scope lasts. Where that is too long, let the task
    /// that uses the end leave it, as above.
    ///
    /// - Parameters:
    ///   - kind: what the channel does with a message that nobody waits for.
    ///   - name: what it is called in reports.
    public static func ends(
        _ kind: ChannelKind = .rendezvous, name: String = ""
    ) -> (sending: SendingEnd<Element>, receiving: ReceivingEnd<Element>) {
        let counter = EndCounter(of: Channel(kind, name: name), sendingEnds: 1)
        return (SendingEnd(counter), ReceivingEnd(counter))
    }
}
