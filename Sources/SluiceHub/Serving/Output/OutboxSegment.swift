import SluiceRuntime
import SluiceWire

/// The replies on their way to one connection, and the connection's pending operations.
///
/// A segment has two halves. The connection's half is used only on its reactor's thread; decisions that this thread
/// makes under the hub's lock go there at once. The hub's half holds the decisions of other reactors' threads, and
/// those that a command makes for its own client and that must follow the command's answer. `collect` moves everything
/// from the hub's half to the connection's half, under the lock and on the connection's thread. So the order of
/// decisions is the order of bytes.
final class OutboxSegment: @unchecked Sendable {
    // Sendable: the hub's lock guards the hub's half, and the connection's half is used only on the reactor's thread.

    let share: ReactorShare
    /// As small as the flags behind it, which saves 16 bytes for each connection.
    let shareNumber: Int16
    /// In the hub's half: whether the segment is in the outbox's list of segments with new replies.
    @exclusivity(unchecked) var isListed = false
    // The flags are next to each other, which keeps the object small. These belong to the connection's half.

    /// Whether an untagged operation is parked.
    @exclusivity(unchecked) var hasParkedUntagged = false
    /// Whether the connection has ended, so that further replies are discarded.
    @exclusivity(unchecked) var isClosed = false
    /// Whether a command of the client is running. The command's answer comes before its decisions for other operations
    /// of that client.
    @exclusivity(unchecked) var isRunning = false
    /// Whether the segment is in its reactor's list of segments with new replies, and the next segment in the list.
    @exclusivity(unchecked) var isArrived = false
    @exclusivity(unchecked) var nextArrived: Unmanaged<OutboxSegment>?
    /// Notified, on the thread of its reactor, when replies have arrived. Not retained: the connection owns the segment,
    /// and removes it from the outbox before it is released itself.
    @exclusivity(unchecked) var owner: Unmanaged<Connection>?

    // MARK: The hub's half

    /// Nil while there is nothing in it, as is nearly always the case: an idle connection must be small.
    @exclusivity(unchecked) private var waiting: WaitingReplies?

    /// Replies that wait until the connection's thread collects them, and what they change.
    private final class WaitingReplies {
        @exclusivity(unchecked) var encoded = EncodedReplies()
        /// The tags of operations that have ended.
        @exclusivity(unchecked) var endedTags: [Tag] = []
        /// Whether the untagged operation has ended.
        @exclusivity(unchecked) var endsUntagged = false
        /// The output bytes that the replies of counted receives and traces are charged with.
        @exclusivity(unchecked) var unaskedBytes = 0

        func end(_ tag: Tag?) {
            if let tag { endedTags.append(tag) } else { endsUntagged = true }
        }
    }

    private func ensureWaiting() -> WaitingReplies {
        if let waiting { return waiting }
        let made = WaitingReplies()
        waiting = made
        return made
    }

    // MARK: The connection's half

    /// The output that has not been written yet.
    @exclusivity(unchecked) var output: OutputBuffer
    /// A dictionary of parked tags is not made smaller below this capacity.
    private static let mostUnshrunk = 64
    /// The tagged operations that are parked.
    @exclusivity(unchecked) var parkedTags: [Tag: OperationID] = [:]
    /// The written bytes of counted receives and traces that have not been reported to the hub.
    @exclusivity(unchecked) var unreportedBytes = 0

    init(on share: ReactorShare) {
        self.share = share
        shareNumber = Int16(share.number)
        output = OutputBuffer(of: share)
    }

    // MARK: Under the hub's lock

    /// Lists the segment as one with new replies. Called on the thread of the connection's reactor.
    @inline(__always)
    func noteArrival() {
        if !isArrived { share.noteArrival(in: self) }
    }

    /// Appends the last reply to an operation.
    ///
    /// - Parameter isOwn: whether the caller is on the thread of the connection's reactor and may append to the
    ///   connection's half at once.
    func finish(_ tag: Tag?, _ reply: Reply, isOwn: Bool) {
        guard isOwn else {
            let waiting = ensureWaiting()
            waiting.encoded.append(reply, tag: tag)
            return waiting.end(tag)
        }
        if isClosed { return }
        output.append(reply, tag: tag)
        endOwn(tag)
    }

    /// Appends `OK`, which is the last reply to an operation.
    func finish(_ tag: Tag?, ok attributes: CommonAttributes, isOwn: Bool) {
        guard isOwn else {
            let waiting = ensureWaiting()
            waiting.encoded.append(ok: attributes, tag: tag)
            return waiting.end(tag)
        }
        if isClosed { return }
        output.append(ok: attributes, tag: tag)
        endOwn(tag)
    }

    /// Appends a message, which is the last reply to an operation.
    func finish(
        _ tag: Tag?, _ message: MessageBytes, from channel: NamedChannel, _ attributes: CommonAttributes, isOwn: Bool
    ) {
        guard isOwn else {
            let waiting = ensureWaiting()
            waiting.encoded.append(message, from: channel.name, attributes, tag: tag)
            return waiting.end(tag)
        }
        if isClosed { return }
        output.append(message, from: channel.name, attributes, tag: tag)
        endOwn(tag)
    }

    /// Appends a message with rare attributes, which is the last reply to an operation.
    func finish(
        _ tag: Tag?, _ message: MessageBytes, from channel: NamedChannel, with attributes: Attributes, isOwn: Bool
    ) {
        guard isOwn else {
            let waiting = ensureWaiting()
            waiting.encoded.append(message, from: channel.name, with: attributes, tag: tag)
            return waiting.end(tag)
        }
        if isClosed { return }
        output.append(message, from: channel.name, with: attributes, tag: tag)
        endOwn(tag)
    }

    /// Appends an answer, which is the last reply to a call.
    func finish(_ tag: Tag?, answer: MessageBytes, _ attributes: CommonAttributes, isOwn: Bool) {
        guard isOwn else {
            let waiting = ensureWaiting()
            waiting.encoded.append(data: answer, attributes, tag: tag)
            return waiting.end(tag)
        }
        if isClosed { return }
        output.append(data: answer, attributes, tag: tag)
        endOwn(tag)
    }

    /// Appends a message of an operation that continues.
    func forward(
        _ message: MessageBytes, behind head: MessageHead, _ attributes: CommonAttributes, countingFor bytes: Int,
        isOwn: Bool
    ) {
        guard isOwn else {
            let waiting = ensureWaiting()
            waiting.encoded.append(message, behind: head, attributes)
            return waiting.unaskedBytes += bytes
        }
        if isClosed { return }
        output.append(message, behind: head, attributes)
        unreportedBytes += bytes
    }

    /// Appends a message with rare attributes, of an operation that continues.
    func forward(
        _ tag: Tag?, _ message: MessageBytes, from channel: NamedChannel, with attributes: Attributes,
        countingFor bytes: Int, isOwn: Bool
    ) {
        guard isOwn else {
            let waiting = ensureWaiting()
            waiting.encoded.append(message, from: channel.name, with: attributes, tag: tag)
            return waiting.unaskedBytes += bytes
        }
        if isClosed { return }
        output.append(message, from: channel.name, with: attributes, tag: tag)
        unreportedBytes += bytes
    }

    /// Appends a report of an operation that continues.
    func forward(_ tag: Tag?, _ reply: Reply, countingFor bytes: Int, isOwn: Bool) {
        guard isOwn else {
            let waiting = ensureWaiting()
            waiting.encoded.append(reply, tag: tag)
            return waiting.unaskedBytes += bytes
        }
        if isClosed { return }
        output.append(reply, tag: tag)
        unreportedBytes += bytes
    }

    private func endOwn(_ tag: Tag?) {
        if let tag { free(tag) } else { hasParkedUntagged = false }
    }

    private func free(_ tag: Tag) {
        parkedTags[tag] = nil
        // A dictionary keeps its capacity when entries are removed, and the client is charged for those that are left.
        if parkedTags.capacity > Self.mostUnshrunk, parkedTags.count < parkedTags.capacity / 8 {
            var smaller = [Tag: OperationID](minimumCapacity: 2 * parkedTags.count)
            for (tag, id) in parkedTags { smaller[tag] = id }
            parkedTags = smaller
        }
    }

    /// Moves the hub's half to the connection's half. Called under the lock, on the reactor's thread.
    func collect() {
        guard let waiting = waiting.take(), !isClosed else { return }
        if !waiting.encoded.isEmpty { output.take(&waiting.encoded) }
        if waiting.endsUntagged { hasParkedUntagged = false }
        for tag in waiting.endedTags { free(tag) }
        unreportedBytes += waiting.unaskedBytes
    }
}
