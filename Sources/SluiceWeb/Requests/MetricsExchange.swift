import FoundationEssentials
import SluiceHub
import SluiceWire

/// The measurements that the metrics show, and that no report of the hub has.
struct Measurements: Sendable {
    var waits = TimeHistogram()
    var lag = TimeHistogram()
    /// The number of responses of the web door with each status.
    var responses: [Int: Int] = [:]
}

/// Takes the reports from which the metrics are made: `GET /metrics`.
struct MetricsExchange: Exchange {
    /// The most channels that are read. More would take too long for each scrape.
    private static let mostChannels = 10_000
    /// The channels that are read at a time. To decode this many takes half a millisecond, in which other clients wait.
    private static let channelsOfPage = 50

    private let measurements: Measurements
    private var server: ServerReport?
    private var groups = ChannelGroups()
    private var channelsRead = 0

    init(_ measurements: Measurements) { self.measurements = measurements }

    mutating func begin() -> [UInt8] { Inspection(.server, format: .json).command }

    mutating func receive(_ reply: Reply) -> ExchangeStep {
        guard case .data(let body, let attributes) = reply else { return .respond(Response(outcome: reply)) }
        let bytes = Data(body)
        guard server != nil else {
            server = try? JSONDecoder().decode(ServerReport.self, from: bytes)
            return server == nil ? malformed : .command(page(after: nil))
        }
        guard let page = try? JSONDecoder().decode(ChannelsReport.self, from: bytes) else { return malformed }
        for channel in page.channels { groups.add(channel) }
        channelsRead += page.channels.count
        if let more = attributes.more, channelsRead < Self.mostChannels { return .command(self.page(after: more)) }
        return .respond(response(omitting: page.omitted))
    }

    private var malformed: ExchangeStep { .respond(Response(.unavailable, "the server's report cannot be read")) }

    private func page(after key: ChannelName?) -> [UInt8] {
        let page = ReportPage(after: key, limit: Self.channelsOfPage)
        return Inspection(.channels(prefix: nil), format: .json, page: page).command
    }

    private func response(omitting omitted: Int) -> Response {
        var response = Response(.ok)
        response.contentType = "text/plain; version=0.0.4; charset=utf-8"
        var text = MetricsText()
        if let server { text.append(server) }
        text.append(measurements)
        text.append(groups, omitting: omitted)
        response.body = Array(text.text.utf8)
        return response
    }
}

/// The channels in groups by the part of their names before the first slash.
struct ChannelGroups {
    /// The most groups, so that clients cannot make a scrape arbitrarily long. Channels with further prefixes share a
    /// group.
    static let most = 100
    /// The name of the group of channels with further prefixes. No channel's prefix is empty.
    static let others = ""

    /// The sums of a group.
    struct Group: Equatable {
        var channels = 0
        var senders = 0
        var receivers = 0
        var buffered = 0
        var leased = 0
        var longestWaitSeconds = 0.0
    }

    private(set) var groups: [String: Group] = [:]

    mutating func add(_ channel: ChannelReport) {
        var name = channel.name.split(separator: "/", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        if groups[name] == nil, groups.count >= Self.most { name = Self.others }
        var group = groups[name] ?? Group()
        group.channels += 1
        group.senders += channel.senders
        group.receivers += channel.receivers
        group.buffered += channel.buffered
        group.leased += channel.leased
        group.longestWaitSeconds = max(group.longestWaitSeconds, channel.longestWaitSeconds ?? 0)
        groups[name] = group
    }
}
