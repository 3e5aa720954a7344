/// A row of a comparison: one workload, for all who have something like it.
struct ComparedRow: Sendable {
    /// What it is called on the command line.
    var key: String
    var title: String
    var plan: @Sendable (inout Plan) -> Void
    var workload: Workload
    var contestants: [Contestant]
    var wanted: [(against: Contestant, ratio: Double, needsLowerP99: Bool)] = []

    static let all: [ComparedRow] = [
        handoff("handoff", "handoff, 50 private pairs", pairs: 50, channels: 50),
        handoff("shared", "handoff, 50 pairs on one channel", pairs: 50, channels: 1),
        handoff("crowded", "handoff, 500 private pairs", pairs: 500, channels: 500),
        ComparedRow(
            key: "lease", title: "lease (acknowledged), 50 private pairs",
            plan: { ($0.senders, $0.receivers, $0.channels) = (50, 50, 50) }, workload: .lease,
            contestants: [.sluice, .beanstalkd, .redisReply],
            wanted: [(.beanstalkd, 1.5, false), (.redisReply, 1.2, false)]),
        ComparedRow(
            key: "ping", title: "ping, 50 connections, 16 deep",
            plan: { ($0.senders, $0.receivers, $0.depth) = (50, 0, 16) }, workload: .ping,
            contestants: [.sluice, .redis, .nats], wanted: [(.redis, 1.5, false), (.nats, 1.5, false)]),
        ComparedRow(
            key: "stream", title: "stream of 64 B, one sender 256 deep, one receiver",
            plan: { ($0.senders, $0.receivers, $0.channels, $0.depth, $0.bodyBytes) = (1, 1, 1, 256, 64) },
            workload: .stream, contestants: [.sluice, .nats], wanted: [(.nats, 1, false)]),
        ComparedRow(
            key: "bodies", title: "handoff of 64 KiB, 8 private pairs",
            plan: { ($0.senders, $0.receivers, $0.channels, $0.bodyBytes) = (8, 8, 8, 65_536) }, workload: .handoff,
            contestants: [.sluice, .redis], wanted: [(.redis, 1, false)]),
    ]

    private static func handoff(_ key: String, _ title: String, pairs: Int, channels: Int) -> ComparedRow {
        ComparedRow(
            key: key, title: title, plan: { ($0.senders, $0.receivers, $0.channels) = (pairs, pairs, channels) },
            workload: .handoff, contestants: [.sluice, .redis, .redisReply, .nats],
            wanted: [(.redis, 1.2, true), (.redisReply, 2.2, true), (.nats, 2, true)])
    }
}
