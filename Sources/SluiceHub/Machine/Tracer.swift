import SluiceWire

/// A message that has changed hands.
struct Handoff: Sendable, Hashable {
    /// Nanoseconds of the hub's clock.
    let time: UInt64
    let channel: ChannelName
    let bodyBytes: Int
    let sender: String
    let receiver: String
    /// Which attempt under a lease it is; nil without a lease.
    let attempt: Int?
    /// How many handoffs were dropped before, since the client had no room for them.
    let droppedBefore: Int
    let format: ReportFormat

    /// What a report of it counts for in its client's output.
    static let outputBytes = 200
}

/// A client that follows the handoffs.
final class Tracer: @unchecked Sendable {
    // Sendable: everything belongs to the state machine, which is behind the hub's lock.

    let prefix: ChannelName?
    let format: ReportFormat
    @exclusivity(unchecked) var dropped = 0

    init(_ command: TraceCommand) {
        prefix = command.prefix
        format = command.format
    }

    func follows(_ channel: ChannelName) -> Bool {
        prefix.map { channel.description.hasPrefix($0.description) } ?? true
    }
}
