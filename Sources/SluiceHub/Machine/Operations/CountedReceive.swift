import SluiceRuntime
import SluiceWire

/// A counted receive: `count=N` or `count=*`.
final class CountedReceive: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    let channel: NamedChannel
    /// The time of its leases; 0 receives without a lease.
    let leaseNanoseconds: UInt64
    /// The most unacknowledged messages.
    let window: Int
    /// The time to wait for each message; nil means no limit.
    let timeout: Duration?
    /// The number of messages still to receive; nil for an endless receive.
    @exclusivity(unchecked) var remaining: Int?
    @exclusivity(unchecked) var unacknowledged = 0
    /// Its place in the channel's queue; nil while it is paused for lack of credit or because its window is full.
    @exclusivity(unchecked) var ticket: WaitTicket? {
        didSet {
            if (oldValue == nil) != (ticket == nil) { channel.parkedCountedReceives += ticket == nil ? -1 : 1 }
        }
    }
    /// Its place among the counted receives of the channel.
    @exclusivity(unchecked) var place: WaitTicket?
    /// Whether it is in its client's list of receives that wait for credit.
    @exclusivity(unchecked) var awaitsCredit = false
    /// Whether it continues in a later slice.
    @exclusivity(unchecked) var isResuming = false

    /// The encoded beginning of each of its messages.
    let head: MessageHead

    init(_ command: ReceiveCommand, from channel: NamedChannel, tag: Tag?) {
        head = MessageHead(from: channel.name, tag: tag)
        self.channel = channel
        leaseNanoseconds = command.lease?.wholeNanoseconds ?? 0
        window = command.window ?? 1
        timeout = command.timeout
        if case .exactly(let count)? = command.count { remaining = count }
    }

    /// The number of further messages that may be unacknowledged.
    var openWindow: Int { leaseNanoseconds > 0 ? window - unacknowledged : 0 }
    var isWindowFull: Bool { leaseNanoseconds > 0 && openWindow == 0 }
    /// Whether it has no lease, no count and no timeout, so that it only takes messages.
    var needsOnlyMessages: Bool { leaseNanoseconds == 0 && remaining == nil && timeout == nil }
    var isPaused: Bool { ticket == nil }
}
