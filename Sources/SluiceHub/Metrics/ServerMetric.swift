package import SluiceWire

/// A figure of the report on the server that systems of metrics show, under the same name in each of them.
package struct ServerMetric: Sendable {
    package enum Kind: String, Sendable {
        /// A value that goes up and down.
        case gauge
        /// A number that only grows.
        case counter
    }

    /// The name without the prefix `sluice_`.
    package let name: String
    package let kind: Kind
    /// What the figure is, in one sentence.
    package let help: String
    /// Returns the figure; nil if the report does not have it.
    package let value: @Sendable (ServerReport) -> Int?

    private init(_ name: String, _ kind: Kind, _ help: String, _ value: @escaping @Sendable (ServerReport) -> Int?) {
        self.name = name
        self.kind = kind
        self.help = help
        self.value = value
    }

    /// All figures that are whole numbers and have no labels.
    package static let all: [ServerMetric] = [
        Self("epoch", .gauge, "A number that grows with every restart.") { $0.epoch },
        Self("draining", .gauge, "Whether the server is about to stop: 1 or 0.") { $0.isDraining ? 1 : 0 },
        Self("connections", .gauge, "The connected clients.") { $0.connections },
        Self("parked_operations", .gauge, "The operations that wait.") { $0.parked },
        Self("channels", .gauge, "The channels in use.") { $0.channels },
        Self("ended_channels", .gauge, "The ended channels whose names are kept.") { $0.endedChannels },
        Self("leases", .gauge, "The messages under a lease, or put back with a delay.") { $0.leases },
        Self("buffered_messages", .gauge, "The messages that channels keep.") { $0.bufferedMessages },
        Self("buffered_bytes", .gauge, "The bytes of the messages that channels keep.") { $0.bufferedBytes },
        Self("remembered_sends", .gauge, "The ids of messages that are remembered.") { $0.rememberedSends },
        Self("waiting_dead_letters", .gauge, "The rejected messages that their dead channels do not take.") {
            $0.waitingDeadLetters
        },
        Self("resident_bytes", .gauge, "The resident memory of the process.") { $0.residentBytes },
        Self("charged_bytes", .gauge, "The memory that is charged to clients.") { $0.memoryBytes },
        Self("charged_bytes_limit", .gauge, "The limit on the memory that is charged to clients.") {
            $0.memoryLimitBytes
        },
        Self("handoffs_total", .counter, "The messages that receivers took.") { $0.handoffs },
        Self("rejections_total", .counter, "The messages that were rejected.") { $0.rejections },
        Self("dead_letters_total", .counter, "The rejected messages that moved to a dead channel.") { $0.deadLetters },
        Self("connections_refused_total", .counter, "The connections that were refused.") { $0.refusedConnections },
    ]
}
