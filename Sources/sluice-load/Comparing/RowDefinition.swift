/// A row of a comparison: one workload, for all who have something like it.
struct ComparedRow: Sendable {
    /// What is compared.
    enum Measure: Sendable {
        /// Operations a second; says who takes part.
        case rate(@Sendable (inout Plan) -> Void)
        /// The memory of a connection, which may wait for a message.
        case memory(isParked: Bool)
        /// The processor time of a command beside a crowd of parked ones, and alone.
        case crowd
    }

    /// What it is called on the command line.
    var key: String
    var title: String
    var measure: Measure
    var workload: Workload
    var contestants: [Contestant]
    var wanted: [(against: Contestant, ratio: Double, needsLowerP99: Bool)] = []

    static let all: [ComparedRow] = [
        handoff("handoff", "handoff, 50 private pairs", pairs: 50, channels: 50),
        handoff("shared", "handoff, 50 pairs on one channel", pairs: 50, channels: 1),
        handoff("crowded", "handoff, 500 private pairs", pairs: 500, channels: 500),
        ComparedRow(
            key: "lease", title: "lease (acknowledged), 50 private pairs",
            measure: .rate { ($0.senders, $0.receivers, $0.channels) = (50, 50, 50) }, workload: .lease,
            contestants: [.sluice, .beanstalkd, .redisReply],
            wanted: [(.beanstalkd, 1.5, false), (.redisReply, 1.2, false)]),
        ComparedRow(
            key: "ping", title: "ping, 50 connections, 16 deep",
            measure: .rate { ($0.senders, $0.receivers, $0.depth) = (50, 0, 16) }, workload: .ping,
            contestants: [.sluice, .redis, .nats], wanted: [(.redis, 1.5, false), (.nats, 1.5, false)]),
        ComparedRow(
            key: "stream", title: "stream of 64 B, one sender 256 deep, one receiver",
            measure: .rate { ($0.senders, $0.receivers, $0.channels, $0.depth, $0.bodyBytes) = (1, 1, 1, 256, 64) },
            workload: .stream, contestants: [.sluice, .nats], wanted: [(.nats, 1, false)]),
        ComparedRow(
            key: "bodies", title: "handoff of 64 KiB, 8 private pairs",
            measure: .rate { ($0.senders, $0.receivers, $0.channels, $0.bodyBytes) = (8, 8, 8, 65_536) },
            workload: .handoff,
            contestants: [.sluice, .redis], wanted: [(.redis, 1, false)]),
        memory("idle", "an idle connection", isParked: false, wanted: [(.beanstalkd, 1, false)]),
        // What is wanted is 1.5 KB, in terms of what the others were found to take.
        memory(
            "parked", "a connection with a parked receive", isParked: true,
            wanted: [(.redis, 1.5 / 5.4, false), (.nats, 1.5 / 6.7, false)]),
        ComparedRow(
            key: "crowd", title: "messages beside a million parked receives on a hundred thousand channels",
            measure: .crowd,
            workload: .handoff, contestants: [.sluice, .sluice], wanted: [(.sluice, 1.2, false)]),
    ]

    /// How many receives are parked, and on how many channels.
    static let crowd = (receives: 1_000_000, channels: 100_000)
    static var idleConnections: Int { min(5000, DescriptorLimit.current - 200) }
    /// Memory is the same from one round to the next, and takes long to come to rest.
    static let mostMemoryRounds = 3

    private static func memory(
        _ key: String, _ title: String, isParked: Bool,
        wanted: [(against: Contestant, ratio: Double, needsLowerP99: Bool)]
    ) -> ComparedRow {
        ComparedRow(
            key: key, title: title, measure: .memory(isParked: isParked), workload: .handoff,
            contestants: [.sluice, .beanstalkd, .redis, .nats], wanted: wanted)
    }

    private static func handoff(_ key: String, _ title: String, pairs: Int, channels: Int) -> ComparedRow {
        ComparedRow(
            key: key, title: title,
            measure: .rate { ($0.senders, $0.receivers, $0.channels) = (pairs, pairs, channels) },
            workload: .handoff, contestants: [.sluice, .redis, .redisReply, .nats],
            wanted: [(.redis, 1.2, true), (.redisReply, 2.2, true), (.nats, 2, true)])
    }
}
