/// Asks for a report on the state of the server.
package struct Inspection: Sendable, Hashable {
    package var subject: Subject
    package var format: ReportFormat
    /// The rows that the answer may show.
    package var page: ReportPage

    package init(_ subject: Subject, format: ReportFormat = .text, page: ReportPage = ReportPage()) {
        self.subject = subject
        self.format = format
        self.page = page
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

        /// Whether the report comes in pages.
        package var hasPages: Bool { if case .server = self { false } else { true } }

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

/// A part of a report with many rows.
package struct ReportPage: Sendable, Hashable {
    /// The key of the last row of the page before this one. Nil for the first page.
    ///
    /// The key of a channel is its name. Other keys mean something only to the server that has given them.
    package var after: ChannelName?
    /// The most rows of the page. Nil means the server's limit.
    package var limit: Int?

    /// Creates a page, by default the first one.
    package init(after: ChannelName? = nil, limit: Int? = nil) {
        self.after = after
        self.limit = limit
    }

    /// The most bytes of a page.
    package static let maxBytes = 64 << 10
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
