/// Asks for a report on the state of the server.
package struct Inspection: Sendable, Hashable {
    package var subject: Subject
    package var format: ReportFormat

    package init(_ subject: Subject, format: ReportFormat = .text) {
        self.subject = subject
        self.format = format
    }

    /// What the report is about.
    package enum Subject: Sendable, Hashable {
        /// The server as a whole.
        case server
        /// The channels whose names begin with the prefix, or all.
        case channels(prefix: ChannelName?)
        /// The operations that wait on a channel or a barrier, or on any.
        case waiters(channel: ChannelName?)
        case clients
        /// The cycles of clients that wait for each other.
        case stuck

        package var verb: Verb {
            switch self {
            case .server: .info
            case .channels: .channels
            case .waiters: .waiters
            case .clients: .clients
            case .stuck: .stuck
            }
        }
    }
}

/// Reports every handoff as it happens, until it is cancelled (`TRACE`).
package struct TraceCommand: Sendable, Hashable {
    /// Only channels whose names begin with the prefix. Nil means all channels.
    package var prefix: ChannelName?
    package var format: ReportFormat

    package init(prefix: ChannelName? = nil, format: ReportFormat = .text) {
        self.prefix = prefix
        self.format = format
    }
}
