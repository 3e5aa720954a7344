import SluiceHub
import SluiceWire

/// Sends the reports that the dashboard shows, until the client hangs up: `GET /v1/live`.
///
/// The response is a stream of server-sent events. Each round takes all reports, but only some pages of the channels
/// once the client knows all of them, and sends only the channels that have changed since it looked at them before. So a
/// dashboard of a hub with many channels costs little. The stream sends the next piece when the client has taken the one
/// before. After a round, it pauses for at least nine times the length of the round, but never longer than
/// `longestPause`.
struct DashboardStream: EventStream {
    /// The reports of a round, in their order.
    private enum Stage {
        case server
        case channels
        case waiters
        case clients
        case stuck
        case pause
    }

    /// The most rows of each report except the channels.
    private static let rows = 200
    /// The most pages of the channels in a round, once the client knows all channels. The next round continues with the
    /// next page.
    private static let pagesOfRound = 4
    /// The shortest time from one round to the next.
    private static let interval: Duration = .seconds(1)
    private static let longestPause: Duration = .seconds(10)

    private let clock: () -> UInt64
    private let limits: () -> HubLimits
    private var stage = Stage.server
    private var hasBegun = false
    private var isNamed = false
    private var beginning: UInt64 = 0
    private var sampled: UInt64 = 0
    private var channels = ChannelChanges()
    /// The key of the next page of the channels; nil for the first page.
    private var place: ChannelName?
    private var pagesInRound = 0
    /// Whether the client has got all channels.
    private var knowsAll = false
    private var handoffs = HandoffSample()
    /// The command for the next page of the channels, which is sent when the client has taken the last events.
    private var following: [UInt8]?
    private(set) var pause: Duration?

    /// - Parameters:
    ///   - clock: returns the time in nanoseconds.
    ///   - limits: returns the limits that hold now.
    init(clock: @escaping () -> UInt64, limits: @escaping () -> HubLimits) {
        self.clock = clock
        self.limits = limits
    }

    var heldBytes: Int { channels.heldBytes + handoffs.heldBytes }

    mutating func begin() -> [UInt8] {
        beginning = clock()
        sampled = beginning
        return Inspection(.server, format: .json).command
    }

    mutating func receive(_ reply: Reply, _ tag: Tag?) -> StreamStep {
        guard tag == nil else { return handoffs.receive(reply, tag: tag).map { .command($0) } ?? .none }
        let isFirst = !hasBegun
        guard case .data(let body, let attributes) = reply else {
            // A report that the client may not see is left out.
            guard isFirst else { return next() }
            guard case .error(let error) = reply, error.code == .denied else { return .end(reply) }
            hasBegun = true
            return .events([ServerSentEvent("info", "null")])
        }
        hasBegun = true
        switch stage {
        case .server: return .events([ServerSentEvent("info", data: body)])
        case .channels: return receive(channels: body, attributes)
        case .waiters: return .events([ServerSentEvent("waiters", data: body)])
        case .clients: return .events([ServerSentEvent("clients", data: body)])
        case .stuck: return .events([ServerSentEvent("stuck", data: body), endRound()])
        case .pause: return .none
        }
    }

    private mutating func next() -> StreamStep {
        if case .stuck = stage { .events([endRound()]) } else { .command(nextCommand()) }
    }

    private mutating func receive(channels body: [UInt8], _ attributes: Attributes) -> StreamStep {
        place = channels.isFull ? nil : attributes.more
        let changes = channels.note(page: body, at: Double(clock()) / 1e9, isLast: place == nil)
        if place == nil { knowsAll = true }
        pagesInRound += 1
        let continues = place != nil && (!knowsAll || pagesInRound < Self.pagesOfRound)
        let next = continues ? nextPage : nil
        guard let changes else { return .command(next ?? nextCommand()) }
        following = next
        return .events([ServerSentEvent("channels", data: changes)])
    }

    private var nextPage: [UInt8] {
        Inspection(.channels(prefix: nil), format: .json, page: ReportPage(after: place)).command
    }

    mutating func confirmed() -> [UInt8] {
        if let command = following {
            following = nil
            return command
        }
        return pause == nil ? nextCommand() : []
    }

    mutating func resume() -> [UInt8] {
        pause = nil
        stage = .server
        pagesInRound = 0
        beginning = clock()
        return Inspection(.server, format: .json).command
    }

    /// Returns the command for the next report of the round.
    private mutating func nextCommand() -> [UInt8] {
        let page = ReportPage(limit: Self.rows)
        switch stage {
        case .server:
            stage = .channels
            // Not before the first report: a client without permissions may send only one command.
            let name = isNamed ? [] : Array("#name NAME dashboard\n".utf8)
            isNamed = true
            // The counts of handoffs begin at the same time as the total in the report of the server.
            return name + handoffs.begin() + nextPage
        case .channels:
            stage = .waiters
            return Inspection(.waiters(channel: nil), format: .json, page: page).command
        case .waiters:
            stage = .clients
            return Inspection(.clients, format: .json, page: page).command
        case .clients, .stuck, .pause:
            stage = .stuck
            return Inspection(.stuck, format: .json, page: page).command
        }
    }

    private mutating func endRound() -> ServerSentEvent {
        stage = .pause
        let now = clock()
        let duration = Duration.nanoseconds(Int64(clamping: now - beginning))
        pause = min(max(Self.interval - duration, duration * 9), Self.longestPause)
        let seconds = Double(now - sampled) / 1e9
        sampled = now
        let limits = limits()
        return ServerSentEvent(
            "round",
            """
            {"seconds":\(seconds),"handoffs":\(handoffs.take()),"limits":{"connections":\(limits.maxConnections),\
            "keptBytes":\(limits.keptBytes),"endedChannels":\(limits.maxTombstones),\
            "rememberedSends":\(limits.maxRememberedSends)}}
            """)
    }
}
