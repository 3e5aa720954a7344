import SluiceWire

/// What `top` shows: the last reports, and what was computed from them.
struct TopModel: Sendable {
    enum Order: String, CaseIterable, Sendable {
        case rate, waiting, name

        var next: Order {
            switch self {
            case .rate: .waiting
            case .waiting: .name
            case .name: .rate
            }
        }
    }

    /// How many points of the past are kept.
    static let memory = 300

    var hub: String
    var server: ServerReport?
    var channels: [ChannelReport] = []
    var waiters: [WaiterReport] = []
    /// How many rows the reports have left out.
    var omittedChannels = 0
    var omittedWaiters = 0
    /// Messages a second, the latest last.
    private(set) var rates: [Double] = []
    private(set) var channelRates: [String: [Double]] = [:]
    /// Whether the rates of channels are known.
    var tracesHandoffs = true

    var order = Order.rate
    /// How many channels are above the screen.
    var scroll = 0
    var isPaused = false
    /// Why there is nothing new.
    var trouble: String?

    init(hub: String) {
        self.hub = hub
    }

    /// The rate now; nil before it can be known.
    var rate: Double? { rates.last }

    func rate(of channel: String) -> Double { channelRates[channel]?.last ?? 0 }

    /// Takes in what was reported after an interval.
    ///
    /// - Parameters:
    ///   - seen: the handoffs that were seen in it by channel: all, or the first ones of many.
    mutating func update(_ report: ServerReport, seen: [String: Int], seconds: Double) {
        defer { server = report }
        guard let before = server, before.epoch == report.epoch, seconds > 0 else {
            rates = []
            channelRates = [:]
            return
        }
        let handoffs = max(0, report.handoffs - before.handoffs)
        rates.appendForgetting(Double(handoffs) / seconds, beyond: Self.memory)
        let total = seen.values.reduce(0, +)
        // Of more than were seen, the channels have the same shares as of those.
        let scale = total > 0 ? max(1, Double(handoffs) / Double(total)) : 0
        let active = channelRates.filter { $0.value.contains { $0 > 0 } }.keys
        for name in Set(active).union(seen.keys).union(channels.map(\.name)) {
            let rate = Double(seen[name] ?? 0) * scale / seconds
            channelRates[name, default: []].appendForgetting(rate, beyond: Self.memory)
        }
        let current = Set(channels.map(\.name))
        // A channel that nobody uses for a moment is not reported, and is shown as long as its past is.
        channelRates = channelRates.filter { current.contains($0.key) || $0.value.suffix(30).contains { $0 > 0 } }
    }

    /// The channels in the order in which they are shown.
    var ordered: [ChannelReport] {
        let known = Set(channels.map(\.name))
        let idle = channelRates.keys.filter { !known.contains($0) }.map { ChannelReport(name: $0) }
        return (channels + idle).sorted { a, b in
            switch order {
            case .rate where rate(of: a.name) != rate(of: b.name): rate(of: a.name) > rate(of: b.name)
            case .rate where a.waiting != b.waiting: a.waiting > b.waiting
            case .waiting where a.waiting != b.waiting: a.waiting > b.waiting
            case .rate, .waiting, .name: a.name < b.name
            }
        }
    }
}

extension ChannelReport {
    /// How many wait for it, in whatever way.
    var waiting: Int { senders + receivers + buffered + leased }
}

extension [Double] {
    fileprivate mutating func appendForgetting(_ value: Double, beyond count: Int) {
        append(value)
        if self.count > count { removeFirst(self.count - count) }
    }
}
