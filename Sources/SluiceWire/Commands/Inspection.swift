/// Look inside the server.
package struct Inspection: Sendable, Hashable {
    package var subject: Subject
    package var format: ReportFormat

    package init(_ subject: Subject, format: ReportFormat = .text) {
        self.subject = subject
        self.format = format
    }

    /// What to look at.
    package enum Subject: Sendable, Hashable {
        /// The server as a whole.
        case server
        /// The channels whose names begin with the prefix, or all.
        case channels(prefix: ChannelName?)
        /// Who waits on a channel or a barrier, or on any.
        case waiters(channel: ChannelName?)
        case clients
        /// The cycles of waiting.
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

/// Tell every handoff as it happens, until cancelled.
package struct TraceCommand: Sendable, Hashable {
    /// Only on channels whose names begin so; nil is all.
    package var prefix: ChannelName?
    package var format: ReportFormat

    package init(prefix: ChannelName? = nil, format: ReportFormat = .text) {
        self.prefix = prefix
        self.format = format
    }
}
