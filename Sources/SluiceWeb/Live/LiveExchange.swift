import SluiceHub
import SluiceWire

/// Sends what the dashboard shows, for as long as the client is there: `GET /v1/live`.
///
/// The response is a stream of server-sent events. Each round takes all reports. Of the channels, only those that have
/// changed since the last round are sent, so that a client of a hub with many channels costs little. The next piece is sent
/// when the client has taken the one before, and after a round comes a pause that is at least three times as long.
struct LiveExchange: Exchange {
    /// The reports of a round, in their order.
    private enum Stage {
        case server
        case channels
        case waiters
        case clients
        case stuck
        case pause
    }

    /// The most rows of the reports that are sent whole in each round.
    private static let rows = 200
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
    private var handoffs = HandoffSample()
    /// What is to be sent when the client has taken the last piece.
    private var following: [UInt8]?

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

    mutating func receive(_ reply: Reply, tag: Tag?) -> ExchangeStep {
        guard tag == nil else { return receive(sample: reply, tag: tag) }
        guard case .data(let body, let attributes) = reply else {
            // A report that the client may not see is left out.
            guard !hasBegun else { return .command(nextCommand()) }
            guard case .error(let error) = reply, error.code == .denied else {
                return .respond(Response(outcome: reply))
            }
            return beginStream(with: Self.event("info", Array("null".utf8)))
        }
        switch stage {
        case .server:
            let event = Self.event("info", body)
            guard !hasBegun else { return .send(event) }
            return beginStream(with: event)
        case .channels: return receive(channels: body, attributes)
        case .waiters: return .send(Self.event("waiters", body))
        case .clients: return .send(Self.event("clients", body))
        case .stuck: return .send(Self.event("stuck", body))
        case .pause: return .none
        }
    }

    private mutating func beginStream(with event: [UInt8]) -> ExchangeStep {
        hasBegun = true
        var head = Response(.ok)
        head.contentType = "text/event-stream"
        return .beginStream(head, event)
    }

    private mutating func receive(channels body: [UInt8], _ attributes: Attributes) -> ExchangeStep {
        let more = channels.isFull ? nil : attributes.more
        let changes = channels.note(page: body, at: Double(clock()) / 1e9, isLast: more == nil)
        let next = more.map { Inspection(.channels(prefix: nil), format: .json, page: ReportPage(after: $0)).command }
        guard let changes else { return .command(next ?? nextCommand()) }
        following = next
        return .send(Self.event("channels", changes))
    }

    mutating func proceed() -> ExchangeStep {
        if let command = following {
            following = nil
            return .command(command)
        }
        if case .pause = stage {
            beginning = clock()
            stage = .server
            return .command(Inspection(.server, format: .json).command)
        }
        guard case .stuck = stage else { return .command(nextCommand()) }
        return endRound()
    }

    /// Returns the command for the next report of the round.
    private mutating func nextCommand() -> [UInt8] {
        let page = ReportPage(limit: Self.rows)
        switch stage {
        case .server:
            stage = .channels
            // Only now, because a client without permissions may send one command.
            let name = isNamed ? [] : Array("#name NAME dashboard\n".utf8)
            isNamed = true
            // The sample begins with the count of the handoffs in the report of the server.
            return name + handoffs.begin() + Inspection(.channels(prefix: nil), format: .json).command
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

    private mutating func endRound() -> ExchangeStep {
        stage = .pause
        let now = clock()
        let duration = Duration.nanoseconds(Int64(clamping: now - beginning))
        let pause = min(max(Self.interval - duration, duration * 3), Self.longestPause)
        let seconds = Double(now - sampled) / 1e9
        sampled = now
        let limits = limits()
        let line = """
            {"seconds":\(seconds),"handoffs":\(handoffs.take()),"limits":{"connections":\(limits.maxConnections),\
            "keptBytes":\(limits.keptBytes),"endedChannels":\(limits.maxTombstones),\
            "rememberedSends":\(limits.maxRememberedSends)}}
            """
        return .sendAndPause(Self.event("round", Array(line.utf8)), pause)
    }

    private mutating func receive(sample reply: Reply, tag: Tag?) -> ExchangeStep {
        guard let command = handoffs.receive(reply, tag: tag) else { return .none }
        return .command(command)
    }

    /// An event whose data is one line.
    private static func event(_ name: String, _ data: [UInt8]) -> [UInt8] {
        Array("event: \(name)\ndata: ".utf8) + data + [0x0A, 0x0A]
    }
}
