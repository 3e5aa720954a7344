import SluiceRuntime
import SluiceWire

/// The shortest way of a message: from a send without options to a receiver that waits, and takes it for good.
///
/// What `send` decides for such a pair, without the objects that it takes to decide anything else: who hands the message
/// over has its bytes, and tells both. A stream of short messages is twice as fast for it.
extension HubStateMachine {
    /// Who would be given a plain message now.
    struct PlainReceiver {
        let id: OperationID
        let channel: NamedChannel
        let caller: Caller
        /// Nil for a receive of one message.
        let stream: CountedReceive?
    }

    /// The receiver of a plain message of so many bytes on the channel that is spelled so; nil when there is none, and
    /// where more has to be decided than that it gets the message.
    func plainReceiver(of byteCount: Int, on channel: UnsafeRawBufferPointer) -> PlainReceiver? {
        // An effect that is not performed yet may be for the same client, and comes first.
        guard effects.isEmpty, tracers.isEmpty, let channel = channels.existing(spelled: channel),
            channel.extras == nil, channel.engine.ending == nil,
            let receiver = channel.engine.firstParkedReceiver, receiver.arm == nil,
            let operation = operations[receiver.operation]
        else { return nil }
        switch operation.wait {
        case .receive(_, _, let lease) where lease == 0:
            return PlainReceiver(id: receiver.operation, channel: channel, caller: operation.caller, stream: nil)
        case .stream(let stream) where stream.isPlain && hasRoom(for: byteCount, operation.caller.connection):
            return PlainReceiver(id: receiver.operation, channel: channel, caller: operation.caller, stream: stream)
        case .send, .receive, .stream, .select, .barrier, .trace: return nil
        }
    }

    /// Whether a counted receive of the client goes on after so many bytes more.
    private func hasRoom(for byteCount: Int, _ connection: ConnectionID) -> Bool {
        Self.outputBytes(ofMessage: byteCount) < outputRoom(of: connection)
    }

    /// How many bytes of a client's counted receives, less one, may go to it besides those that it has not taken.
    func outputRoom(of connection: ConnectionID) -> Int {
        clients[connection].map { limits.outputBytes - $0.unwrittenBytes } ?? 0
    }

    /// Notes that a counted receive that waits alone has got so many messages more from one sender, whose first one it has
    /// been given by `hand`; `outputBytes` is what they count for together.
    mutating func noteRun(of messages: Int, outputBytes: Int, to receiver: ConnectionID) {
        totals.handoffs += messages
        clients[receiver]?.unwrittenBytes += outputBytes
    }

    /// Notes that the receiver has the message.
    mutating func hand(_ byteCount: Int, from sender: ConnectionID, to receiver: PlainReceiver) {
        totals.handoffs += 1
        clients[sender]?.usage.note(.send, of: receiver.channel.name)
        guard let stream = receiver.stream else { return end(receiver.id, nil) }
        clients[receiver.caller.connection]?.unwrittenBytes += Self.outputBytes(ofMessage: byteCount)
        // It waits again, behind others.
        guard receiver.channel.engine.parkedReceivers > 1, let first = receiver.channel.engine.takeReceiver() else {
            return
        }
        stream.ticket = receiver.channel.engine.park(first)
    }
}

extension CountedReceive {
    /// Whether all that happens with a message is that it is handed on.
    fileprivate var isPlain: Bool { leaseNanoseconds == 0 && remaining == nil && timeout == nil }
}
