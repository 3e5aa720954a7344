import SluiceHub
import SluiceWire

/// The metrics in the text format of Prometheus.
struct MetricsText {
    private(set) var text = ""

    private enum Kind: String {
        case gauge, counter, histogram
    }

    private mutating func declare(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP sluice_\(name) \(help)\n# TYPE sluice_\(name) \(kind.rawValue)\n"
    }

    private mutating func add(
        _ name: String, _ labels: KeyValuePairs<String, String>, _ value: some CustomStringConvertible
    ) {
        let words = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        text += "sluice_\(name)\(words.isEmpty ? "" : "{\(words)}") \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    private mutating func gauge(_ name: String, _ help: String, _ value: (some CustomStringConvertible)?) {
        guard let value else { return }
        declare(name, .gauge, help)
        add(name, [:], value)
    }

    mutating func append(_ server: ServerReport) {
        declare("build_info", .gauge, "The version of the server.")
        add("build_info", ["version": server.version, "protocol": "\(server.protocolVersion)"], 1)
        gauge("uptime_seconds", "The time since the start.", server.uptimeSeconds)
        for metric in ServerMetric.all {
            guard let value = metric.value(server) else { continue }
            declare(metric.name, metric.kind == .gauge ? .gauge : .counter, metric.help)
            add(metric.name, [:], value)
        }
        declare("connections_ended_total", .counter, "The connections that have ended, by reason.")
        for (reason, count) in server.endings.sorted(by: { $0.key < $1.key }) {
            add("connections_ended_total", ["reason": reason], count)
        }
    }

    mutating func append(_ measurements: Measurements) {
        declare("http_responses_total", .counter, "The responses of the web door, by status.")
        for (status, count) in measurements.responses.sorted(by: { $0.key < $1.key }) {
            add("http_responses_total", ["code": "\(status)"], count)
        }
        append(measurements.waits, "wait_seconds", "How long operations waited, however they ended.")
        append(measurements.lag, "loop_lag_seconds", "How long what is ready waits for a loop, four times a second.")
    }

    private mutating func append(_ histogram: TimeHistogram, _ name: String, _ help: String) {
        declare(name, .histogram, help)
        var count: UInt64 = 0
        for bucket in 0..<TimeHistogram.bucketCount {
            count += histogram.counts[bucket]
            add("\(name)_bucket", ["le": TimeHistogram.boundSeconds(of: bucket).map { "\($0)" } ?? "+Inf"], count)
        }
        add("\(name)_sum", [:], Double(histogram.total) / 1e9)
        add("\(name)_count", [:], count)
    }

    /// - Parameter omitted: the number of channels that are in no group.
    mutating func append(_ groups: ChannelGroups, omitting omitted: Int) {
        let sorted = groups.groups.sorted { $0.key < $1.key }
        append(sorted, "prefix_channels", "The channels in use, by the part of their names before the first slash.") {
            $0.channels
        }
        append(sorted, "prefix_waiting_senders", "The sends that wait.") { $0.senders }
        append(sorted, "prefix_waiting_receivers", "The receives that wait.") { $0.receivers }
        append(sorted, "prefix_buffered_messages", "The messages that channels keep and receivers can get now.") {
            $0.buffered
        }
        append(sorted, "prefix_leased_messages", "The messages under a lease, delayed, or rejected and waiting.") {
            $0.leased
        }
        append(sorted, "prefix_longest_wait_seconds", "How long the oldest operation waits.") { $0.longestWaitSeconds }
        gauge("omitted_channels", "The channels that are in no prefix, because there are too many.", omitted)
    }

    private mutating func append(
        _ groups: [(key: String, value: ChannelGroups.Group)], _ name: String, _ help: String,
        _ value: (ChannelGroups.Group) -> any CustomStringConvertible
    ) {
        declare(name, .gauge, help)
        for (prefix, group) in groups { add(name, ["prefix": prefix], "\(value(group))") }
    }
}
