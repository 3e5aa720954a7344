import SluiceRuntime
import SluiceWire

/// Collects the state machine's decisions. A reply is encoded once, into the segment of its connection. An operation of
/// this process has no segment, so its reply stays a value.
///
/// Used only under the hub's lock. Nothing here touches a socket.
struct Outbox: ~Copyable {
    /// The segments with new replies.
    private(set) var listed: ContiguousArray<OutboxSegment> = []
    /// The effects on operations of connections without a segment, in the order of the decisions.
    var effects: [Effect] = []
    /// The number of the share of the calling thread's reactor during a transaction; -1 on a thread that serves no
    /// connections. Compared for each reply: comparing references counts them, too.
    var shareNumber: Int16 = -1
    /// The start of the times in reports, in nanoseconds of the hub's clock.
    var startNanoseconds: UInt64 = 0

    var isEmpty: Bool { listed.isEmpty && effects.isEmpty }

    // MARK: Segments

    /// Returns the segment of a client, and lists it as one with new replies. Nil for a client of this process.
    @inline(__always)
    private mutating func segment(of client: ClientRecord) -> (segment: OutboxSegment, isOwn: Bool)? {
        guard let segment = client.segment else { return nil }
        if segment.shareNumber == shareNumber, !segment.isRunning {
            segment.noteArrival()
            return (segment, true)
        }
        if !segment.isListed {
            segment.isListed = true
            listed.append(segment)
        }
        return (segment, false)
    }

    /// Clears the list of segments with new replies.
    mutating func clearListed() {
        listed.removeAll(keepingCapacity: listed.capacity <= 1024)
    }

    // MARK: Decisions

    /// Ends an operation with a reply.
    mutating func finish(_ operation: ParkedOperation, _ id: OperationID, _ reply: Reply) {
        if let (segment, isOwn) = segment(of: operation.client) {
            segment.finish(operation.caller.tag, reply, isOwn: isOwn)
        } else {
            effects.append(Effect(operation.caller, id, .final(reply)))
        }
    }

    /// Ends an operation with `OK`.
    mutating func finish(_ operation: ParkedOperation, _ id: OperationID, ok attributes: CommonAttributes) {
        if let (segment, isOwn) = segment(of: operation.client) {
            segment.finish(operation.caller.tag, ok: attributes, isOwn: isOwn)
        } else {
            effects.append(Effect(operation.caller, id, .final(.ok(Attributes(attributes)))))
        }
    }

    /// Ends an operation with a message.
    mutating func finish(
        _ operation: ParkedOperation, _ id: OperationID, _ message: MessageBytes, from channel: NamedChannel,
        _ attributes: CommonAttributes
    ) {
        if let (segment, isOwn) = segment(of: operation.client) {
            segment.finish(operation.caller.tag, message, from: channel, attributes, isOwn: isOwn)
        } else {
            effects.append(
                Effect(operation.caller, id, .final(.message(channel.name, message.body, Attributes(attributes)))))
        }
    }

    /// Ends an operation with a message that has rare attributes.
    mutating func finish(
        _ operation: ParkedOperation, _ id: OperationID, _ message: MessageBytes, from channel: NamedChannel,
        with attributes: Attributes
    ) {
        if let (segment, isOwn) = segment(of: operation.client) {
            segment.finish(operation.caller.tag, message, from: channel, with: attributes, isOwn: isOwn)
        } else {
            effects.append(Effect(operation.caller, id, .final(.message(channel.name, message.body, attributes))))
        }
    }

    /// Ends a call with the answer.
    mutating func finish(
        _ operation: ParkedOperation, _ id: OperationID, answer: MessageBytes, _ attributes: CommonAttributes
    ) {
        if let (segment, isOwn) = segment(of: operation.client) {
            segment.finish(operation.caller.tag, answer: answer, attributes, isOwn: isOwn)
        } else {
            effects.append(Effect(operation.caller, id, .final(.data(answer.body, Attributes(attributes)))))
        }
    }

    /// Sends a message to a counted receive that continues.
    mutating func forward(
        _ operation: ParkedOperation, _ id: OperationID, _ message: MessageBytes, through stream: CountedReceive,
        _ attributes: CommonAttributes, countingFor bytes: Int
    ) {
        if let (segment, isOwn) = segment(of: operation.client) {
            segment.forward(message, behind: stream.head, attributes, countingFor: bytes, isOwn: isOwn)
        } else {
            effects.append(
                Effect(
                    operation.caller, id, .partial(.message(stream.channel.name, message.body, Attributes(attributes))))
            )
        }
    }

    /// Sends a message with rare attributes to a counted receive that continues.
    mutating func forward(
        _ operation: ParkedOperation, _ id: OperationID, _ message: MessageBytes, through stream: CountedReceive,
        with attributes: Attributes, countingFor bytes: Int
    ) {
        if let (segment, isOwn) = segment(of: operation.client) {
            segment.forward(
                operation.caller.tag, message, from: stream.channel, with: attributes, countingFor: bytes, isOwn: isOwn)
        } else {
            effects.append(
                Effect(operation.caller, id, .partial(.message(stream.channel.name, message.body, attributes))))
        }
    }

    /// Sends a handoff to a trace, which continues.
    mutating func forward(_ operation: ParkedOperation, _ id: OperationID, _ handoff: Handoff) {
        if let (segment, isOwn) = segment(of: operation.client) {
            let report = handoff.report(since: startNanoseconds).body(handoff.format)
            segment.forward(operation.caller.tag, .data(report), countingFor: Handoff.outputBytes, isOwn: isOwn)
        } else {
            effects.append(Effect(operation.caller, id, .handoff(handoff)))
        }
    }

    /// Notes that a connection no longer holds a lease.
    mutating func release(_ connection: ConnectionID, of client: ClientRecord) {
        if segment(of: client) == nil { effects.append(.released(connection)) }
    }
}
