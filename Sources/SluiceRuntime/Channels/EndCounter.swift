import Synchronization

/// What the ends of one channel share: the channel, and the number of ends of each side that have not retired.
///
/// After PyCSP's `retire` and the reference counts of Rust's `mpsc`: when the last sending end retires, the channel is
/// closed; when the last receiving end retires, its senders are refused.
@usableFromInline
final class EndCounter<Element: Sendable>: Sendable {
    @usableFromInline let channel: Channel<Element>
    private let sendingEnds: Atomic<Int>
    private let receivingEnds: Atomic<Int>
    private let whenUnwanted: @Sendable () -> Void

    /// Counts one receiving end.
    ///
    /// - Parameters:
    ///   - sendingEnds: the number of sending ends; 0 if messages do not come through counted ends.
    ///   - whenUnwanted: called when no one will receive any more, because the last receiving end has retired or an end
    ///     has poisoned the channel. Called on any thread, possibly more than once.
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

/// Whether one end has retired.
@usableFromInline
struct EndLife: ~Copyable, Sendable {
    private let retired = Atomic<Bool>(false)

    init() {}

    @usableFromInline var hasRetired: Bool { retired.load(ordering: .relaxed) }

    /// Retires the end; false if it had retired before.
    func retire() -> Bool {
        !retired.exchange(true, ordering: .acquiringAndReleasing)
    }

    /// The error of an operation on an end of `source` that has retired; nil otherwise.
    @usableFromInline
    func misuse(of source: WaitSource) -> SluiceError? {
        hasRetired ? SluiceError(.misuse, "this end of \(source.waitDescription) has retired") : nil
    }
}

extension Channel {
    /// Creates a channel that is used through counted ends. Pass one end to the sender, the other one to the receiver,
    /// and `copy()` them for more tasks.
    ///
    /// When the last sending end has retired, the channel is closed: messages that are buffered, or whose senders wait,
    /// are still received. When the last receiving end has retired, senders throw `.closed`, those that wait included.
    /// An end of each side exists from the beginning, so that a fast sender cannot close the channel before the others
    /// start.
    ///
    /// ```swift
    /// let (jobs, workers) = Channel<Job>.ends(name: "jobs")
    /// nursery.spawn("reader") {
    ///     defer { jobs.retire() }
    ///     for line in lines { try await jobs.send(Job(line)) }
    /// }
    /// nursery.spawn("worker") { for try await job in workers { try await job.run() } }
    /// ```
    ///
    /// An end retires when nothing refers to it any more, at the latest at the end of its variable's scope. To retire
    /// it earlier, call `retire()`, as above.
    ///
    /// - Parameters:
    ///   - kind: what the channel does with a message for which no receiver waits.
    ///   - name: the channel's name in reports.
    public static func ends(
        _ kind: ChannelKind = .rendezvous, name: String = ""
    ) -> (sending: SendingEnd<Element>, receiving: ReceivingEnd<Element>) {
        let counter = EndCounter(of: Channel(kind, name: name), sendingEnds: 1)
        return (SendingEnd(counter), ReceivingEnd(counter))
    }
}
