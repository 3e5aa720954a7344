import SluiceClient
import SluiceWire

/// What `top` shows: the latest reports, and values computed from them.
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

    /// The number of past points that are kept.
    static let memory = 300

    var hub: String
    var server: ServerReport?
    var channels: [ChannelReport] = []
    var waiters: [WaiterReport] = []
    /// The number of rows that the reports have omitted.
    var omittedChannels = 0
    var omittedWaiters = 0
    /// Messages a second, the latest value last.
    private(set) var rates: [Double] = []
    private(set) var channelRates: [String: [Double]] = [:]
    /// Whether the rates of the channels are known.
    var tracesHandoffs = true

    var order = Order.rate
    /// The number of channels above the visible ones.
    var scroll = 0
    var isPaused = false
    /// Why there are no new reports.
    var trouble: String?

    init(hub: String) {
        self.hub = hub
    }

    /// The current rate; nil before it is known.
    var rate: Double? { rates.last }

    func rate(of channel: String) -> Double { channelRates[channel]?.last ?? 0 }

    /// Shows whether there is a connection. Without one, the reports are old.
    mutating func note(_ state: ConnectionState) {
        switch state {
        case .connecting(let cause?): trouble = "no connection, trying again: \(cause.message)"
        case .connecting(nil), .connected, .ended: trouble = nil
        }
    }

    /// Updates the model with the reports of an interval.
    ///
    /// - Parameters:
    ///   - seen: the handoffs that were seen in the interval, by channel: all of them, or the first ones of many.
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
        // Assumes that the channels have the same shares of all handoffs as of those that were seen.
        let scale = total > 0 ? max(1, Double(handoffs) / Double(total)) : 0
        let active = channelRates.filter { $0.value.contains { $0 > 0 } }.keys
        for name in Set(active).union(seen.keys).union(channels.map(\.name)) {
            let rate = Double(seen[name] ?? 0) * scale / seconds
            channelRates[name, default: []].appendForgetting(rate, beyond: Self.memory)
        }
        let current = Set(channels.map(\.name))
        // A channel that is idle for a moment is not reported. It is shown as long as its past is.
        channelRates = channelRates.filter { current.contains($0.key) || $0.value.suffix(30).contains { $0 > 0 } }
    }

    /// The channels in the order of the table.
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
    /// The number of operations that wait on the channel.
    var waiting: Int { senders + receivers + buffered + leased }
}

extension [Double] {
    fileprivate mutating func appendForgetting(_ value: Double, beyond count: Int) {
        append(value)
        if self.count > count { removeFirst(self.count - count) }
    }
}
