import SluiceRuntime
import SluiceWire

/// Notified, on the thread of its reactor, when replies have arrived in its segment.
protocol SegmentOwner: AnyObject {
    func repliesArrived()
}

/// The replies on their way to one connection, and what the connection has pending.
///
/// Two halves. The connection's half belongs to the thread of its reactor; what that thread decides under the hub's lock
/// goes there at once. The hub's half holds what another reactor's thread has decided, or what a command has decided for
/// its own client and that comes after its answer. `collect` moves everything from one to the other, under the lock and
/// on the connection's thread, so the order of decisions is the order of bytes.
final class OutboxSegment: @unchecked Sendable {
    // Sendable: the hub's lock guards the first half; the second belongs to the reactor's thread.

    let share: ReactorShare
    /// Not retained: the connection owns the segment, and has it removed from the outbox before it goes.
    unowned(unsafe) var owner: (any SegmentOwner)?

    // MARK: The hub's half

    @exclusivity(unchecked) private var encoded = EncodedReplies()
    /// The tags of operations that have ended.
    @exclusivity(unchecked) private var endedTags: [Tag] = []
    /// Whether the untagged operation has ended.
    @exclusivity(unchecked) private var endsUntagged = false
    /// What the replies count for that the client is sent unasked.
    @exclusivity(unchecked) private var unaskedBytes = 0
    /// Whether the segment is in the outbox's list of those with something new.
    @exclusivity(unchecked) var isListed = false

    // MARK: The connection's half

    /// What waits to be written.
    @exclusivity(unchecked) var output: OutputBuffer
    /// The tagged operations that are parked.
    @exclusivity(unchecked) var parkedTags: [Tag: OperationID] = [:]
    /// Whether an untagged operation is parked.
    @exclusivity(unchecked) var hasParkedUntagged = false
    /// The bytes of counted receives and traces that the hub does not know to be written.
    @exclusivity(unchecked) var unreportedBytes = 0
    /// Whether no further reply is of use.
    @exclusivity(unchecked) var isClosed = false
    /// Whether the segment is in its reactor's list of those with new replies, and the next one there.
    @exclusivity(unchecked) var isArrived = false
    @exclusivity(unchecked) var nextArrived: OutboxSegment?

    init(on share: ReactorShare) {
        self.share = share
        output = OutputBuffer(of: share)
    }

    // MARK: Under the hub's lock

    /// Appends the last reply to an operation.
    ///
    /// - Parameter isOwn: whether the caller is the thread of the connection's reactor, and nothing is to be put off.
    func finish(_ tag: Tag?, _ reply: Reply, isOwn: Bool) {
        guard isOwn else {
            encoded.append(reply, tag: tag)
            return end(tag)
        }
        if isClosed { return }
        output.append(reply, tag: tag)
        endOwn(tag)
    }

    /// Appends a message, which is the last reply to an operation.
    func finish(
        _ tag: Tag?, _ message: MessageBytes, from channel: ChannelName, _ attributes: Attributes, isOwn: Bool
    ) {
        guard isOwn else {
            encoded.append(message, from: channel, attributes, tag: tag)
            return end(tag)
        }
        if isClosed { return }
        output.append(message, from: channel, attributes, tag: tag)
        endOwn(tag)
    }

    /// Appends a message of an operation that goes on.
    func forward(
        _ message: MessageBytes, behind head: MessageHead, _ attributes: Attributes, countingFor bytes: Int, isOwn: Bool
    ) {
        guard isOwn else {
            encoded.append(message, behind: head, attributes)
            return unaskedBytes += bytes
        }
        if isClosed { return }
        output.append(message, behind: head, attributes)
        unreportedBytes += bytes
    }

    /// Appends a report to an operation that goes on.
    func forward(_ tag: Tag?, report: Body, countingFor bytes: Int, isOwn: Bool) {
        guard isOwn else {
            encoded.append(.data(report), tag: tag)
            return unaskedBytes += bytes
        }
        if isClosed { return }
        output.append(.data(report), tag: tag)
        unreportedBytes += bytes
    }

    private func end(_ tag: Tag?) {
        if let tag { endedTags.append(tag) } else { endsUntagged = true }
    }

    private func endOwn(_ tag: Tag?) {
        if let tag { parkedTags[tag] = nil } else { hasParkedUntagged = false }
    }

    /// Moves what the hub has decided to the connection's half. Under the lock, on the reactor's thread.
    func collect() {
        guard !isClosed else {
            encoded = EncodedReplies()
            endedTags = []
            return
        }
        if !encoded.isEmpty { output.take(&encoded) }
        if endsUntagged {
            endsUntagged = false
            hasParkedUntagged = false
        }
        if !endedTags.isEmpty {
            for tag in endedTags { parkedTags[tag] = nil }
            endedTags.removeAll()
        }
        unreportedBytes += unaskedBytes
        unaskedBytes = 0
    }
}
