import SluiceRuntime
import SluiceWire

/// A receive that goes on: `count=N` or `count=*`.
final class CountedReceive: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    let channel: NamedChannel
    /// How long its messages may be held; 0 takes them for good.
    let leaseNanoseconds: UInt64
    /// How many of its messages may be unacknowledged.
    let window: Int
    /// How long to wait for each message; nil waits for ever.
    let timeout: Duration?
    /// How many more to take; nil for an endless one.
    @exclusivity(unchecked) var remaining: Int?
    @exclusivity(unchecked) var unacknowledged = 0
    /// Its place in the channel's queue; nil while it is paused, because its client takes nothing or its window is full.
    @exclusivity(unchecked) var ticket: WaitTicket?
    /// Whether it is in its client's list of those that wait for room in its output.
    @exclusivity(unchecked) var awaitsRoom = false

    init(_ command: ReceiveCommand, from channel: NamedChannel) {
        self.channel = channel
        leaseNanoseconds = command.lease?.wholeNanoseconds ?? 0
        window = command.window ?? 1
        timeout = command.timeout
        if case .exactly(let count)? = command.count { remaining = count }
    }

    /// How many more of its messages may become unacknowledged.
    var openWindow: Int { leaseNanoseconds > 0 ? window - unacknowledged : 0 }
    var isWindowFull: Bool { leaseNanoseconds > 0 && openWindow == 0 }
    var isPaused: Bool { ticket == nil }
}
