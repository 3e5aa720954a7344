import SluiceRuntime
import SluiceWire

/// Where the state machine's decisions go: encoded once, into the segment of the connection that they are for. An
/// operation of this process has no segment, and its answer stays a value.
///
/// Behind the hub's lock. Nothing here touches a socket.
struct Outbox: ~Copyable {
    /// The segments with something new.
    private(set) var listed: ContiguousArray<OutboxSegment> = []
    /// What operations of connections without a segment have come to, in the order of the decisions.
    var effects: [Effect] = []
    /// What the calling thread's reactor shares; nil on a thread that serves no connections. Set for a transaction.
    unowned(unsafe) var share: ReactorShare?
    /// The segment of the client whose command runs: the command's answer comes before what it decides for that client.
    unowned(unsafe) var running: OutboxSegment?
    /// What time 0 of reports is, in nanoseconds of the hub's clock.
    var startNanoseconds: UInt64 = 0

    // MARK: Segments

    /// The segment of a client, which it lists as one with something new; nil for a client of this process.
    @inline(__always)
    private mutating func segment(of client: ClientRecord) -> (segment: OutboxSegment, isOwn: Bool)? {
        guard let segment = client.segment else { return nil }
        if let share, segment.share === share, segment !== running {
            share.noteArrival(in: segment)
            return (segment, true)
        }
        if !segment.isListed {
            segment.isListed = true
            listed.append(segment)
        }
        return (segment, false)
    }

    /// Forgets which segments have something new.
    mutating func clearListed() {
        listed.removeAll(keepingCapacity: listed.capacity <= 1024)
    }

    // MARK: Decisions

    /// An operation has ended with a reply.
    mutating func finish(_ operation: ParkedOperation, _ id: OperationID, _ reply: Reply) {
        if let (segment, isOwn) = segment(of: operation.client) {
            segment.finish(operation.caller.tag, reply, isOwn: isOwn)
        } else {
            effects.append(Effect(operation.caller, id, .final(reply)))
        }
    }

    /// An operation has ended with a message.
    mutating func finish(
        _ operation: ParkedOperation, _ id: OperationID, _ message: MessageBytes, from channel: ChannelName,
        _ attributes: Attributes
    ) {
        if let (segment, isOwn) = segment(of: operation.client) {
            segment.finish(operation.caller.tag, message, from: channel, attributes, isOwn: isOwn)
        } else {
            effects.append(Effect(operation.caller, id, .final(.message(channel, message.body, attributes))))
        }
    }

    /// A counted receive has got a message, and goes on.
    mutating func forward(
        _ operation: ParkedOperation, _ id: OperationID, _ message: MessageBytes, through stream: CountedReceive,
        _ attributes: Attributes, countingFor bytes: Int
    ) {
        if let (segment, isOwn) = segment(of: operation.client) {
            segment.forward(message, behind: stream.head, attributes, countingFor: bytes, isOwn: isOwn)
        } else {
            effects.append(
                Effect(operation.caller, id, .partial(.message(stream.channel.name, message.body, attributes))))
        }
    }

    /// A trace has seen a handoff, and goes on.
    mutating func forward(_ operation: ParkedOperation, _ id: OperationID, _ handoff: Handoff) {
        if let (segment, isOwn) = segment(of: operation.client) {
            let report = handoff.report(since: startNanoseconds).body(handoff.format)
            segment.forward(operation.caller.tag, report: report, countingFor: Handoff.outputBytes, isOwn: isOwn)
        } else {
            effects.append(Effect(operation.caller, id, .handoff(handoff)))
        }
    }

    /// A connection holds no lease any more.
    mutating func release(_ connection: ConnectionID, of client: ClientRecord) {
        if segment(of: client) == nil { effects.append(.released(connection)) }
    }
}
