import SluiceWire

/// A message that a receiver took.
struct Handoff: Sendable, Hashable {
    /// In nanoseconds of the hub's clock.
    let time: UInt64
    let channel: ChannelName
    let bodyBytes: Int
    let sender: ClientCaption
    let receiver: ClientCaption
    /// The number of the attempt under a lease. Nil without a lease.
    let attempt: Int?
    /// The number of handoffs that were dropped before this one because the client had no credit left.
    let droppedBefore: Int
    let format: ReportFormat

    /// The output bytes that a report of a handoff is charged with.
    static let outputBytes = 200
}

/// A client in the report of a handoff. A label does not replace the address, because any client can take any label.
struct ClientCaption: Sendable, Hashable {
    /// A hyphen if the client has disconnected.
    let address: String
    let label: String?
}

/// A client that follows the handoffs.
final class Tracer: @unchecked Sendable {
    // `Sendable` because only the state machine uses it, under the hub's lock.

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
