/// A row of a comparison: one workload, and the contestants that support it.
struct RowDefinition: Sendable {
    /// What is compared.
    enum Measure: Sendable {
        /// Operations a second. The closure sets how many senders, receivers and channels take part.
        case rate(@Sendable (inout RunPlan) -> Void)
        /// The server's memory for each connection, which may wait for a message.
        case memory(isParked: Bool)
        /// The server's processor time for a message, beside a crowd of parked receives and alone.
        case crowd
    }

    enum Transport: Sendable { case tcp, unixSocket, tls }

    /// The ratio that Sluice should reach to a contestant.
    struct Target: Sendable {
        var against: Contestant
        /// The least ratio, or the greatest for memory and processor time.
        var ratio: Double
        /// Whether the 99th percentile must be lower as well.
        var needsLowerP99 = false
    }

    /// The row's name on the command line.
    var key: String
    var title: String
    var measure: Measure
    var workload: Workload
    var transport = Transport.tcp
    var contestants: [Contestant]
    var targets: [Target] = []

    static let all: [RowDefinition] = [
        handoff("handoff", "handoff, 50 private pairs", pairs: 50, channels: 50),
        handoff("shared", "handoff, 50 pairs on one channel", pairs: 50, channels: 1),
        handoff("crowded", "handoff, 500 private pairs", pairs: 500, channels: 500),
        RowDefinition(
            key: "unix", title: "handoff over a Unix socket, 50 private pairs", measure: pairs(50, channels: 50),
            workload: .handoff, transport: .unixSocket, contestants: [.sluice, .redis],
            targets: [Target(against: .redis, ratio: 1.35)]),
        RowDefinition(
            key: "tls", title: "handoff with TLS, 50 private pairs", measure: pairs(50, channels: 50),
            workload: .handoff, transport: .tls, contestants: [.sluice, .redis, .nats],
            targets: [Target(against: .redis, ratio: 1)]),
        RowDefinition(
            key: "worker", title: "worker's loop, 50 private pairs", measure: pairs(50, channels: 50),
            workload: .worker, contestants: [.sluice, .redis, .nats],
            targets: [Target(against: .redis, ratio: 1.6), Target(against: .nats, ratio: 1.6)]),
        RowDefinition(
            key: "lease", title: "lease (acknowledged), 50 private pairs", measure: pairs(50, channels: 50),
            workload: .lease, contestants: [.sluice, .beanstalkd, .redisReply],
            targets: [Target(against: .beanstalkd, ratio: 1.5), Target(against: .redisReply, ratio: 1.2)]),
        RowDefinition(
            key: "call", title: "call and answer, 50 private pairs", measure: pairs(50, channels: 50),
            workload: .call, contestants: [.sluice, .redisReply, .nats],
            targets: [Target(against: .redisReply, ratio: 1.5), Target(against: .nats, ratio: 1.5)]),
        RowDefinition(
            key: "ping", title: "ping, 50 connections, 16 deep",
            measure: .rate { ($0.senders, $0.receivers, $0.depth) = (50, 0, 16) }, workload: .ping,
            contestants: [.sluice, .redis, .nats],
            targets: [Target(against: .redis, ratio: 1.5), Target(against: .nats, ratio: 1.5)]),
        RowDefinition(
            key: "stream", title: "stream of 64 B, one sender 256 deep, one receiver",
            measure: .rate { ($0.senders, $0.receivers, $0.channels, $0.depth, $0.bodyBytes) = (1, 1, 1, 256, 64) },
            workload: .stream, contestants: [.sluice, .nats], targets: [Target(against: .nats, ratio: 1)]),
        RowDefinition(
            key: "bodies", title: "handoff of 64 KiB, 8 private pairs",
            measure: .rate { ($0.senders, $0.receivers, $0.channels, $0.bodyBytes) = (8, 8, 8, 65_536) },
            workload: .handoff, contestants: [.sluice, .redis], targets: [Target(against: .redis, ratio: 1)]),
        memory("idle", "an idle connection", isParked: false, targets: [Target(against: .beanstalkd, ratio: 1)]),
        // The target is 20 KB, expressed relative to what Redis was measured at.
        memory(
            "idle-tls", "an idle connection with TLS", isParked: false, transport: .tls,
            contestants: [.sluice, .redis, .nats], targets: [Target(against: .redis, ratio: 1)]),
        // The target is 1.5 KB, expressed relative to what the others were measured at.
        memory(
            "parked", "a connection with a parked receive", isParked: true,
            targets: [Target(against: .redis, ratio: 1.5 / 5.4), Target(against: .nats, ratio: 1.5 / 6.7)]),
        RowDefinition(
            key: "crowd", title: "messages beside a million parked receives on a hundred thousand channels",
            measure: .crowd, workload: .handoff, contestants: [.sluice, .sluice],
            targets: [Target(against: .sluice, ratio: 1.2)]),
    ]

    /// How many receives are parked for the crowd, and on how many channels.
    static let crowd = (receives: 1_000_000, channels: 100_000)
    static var idleConnections: Int { min(5000, OpenFileLimit.current - 200) }
    /// Memory does not vary between rounds, and takes long to settle.
    static let mostMemoryRounds = 3

    private static func handoff(_ key: String, _ title: String, pairs: Int, channels: Int) -> RowDefinition {
        RowDefinition(
            key: key, title: title, measure: Self.pairs(pairs, channels: channels), workload: .handoff,
            contestants: [.sluice, .redis, .redisReply, .nats],
            targets: [
                Target(against: .redis, ratio: 1.15, needsLowerP99: true),
                Target(against: .redisReply, ratio: 2.2, needsLowerP99: true),
                Target(against: .nats, ratio: 1.7, needsLowerP99: true),
            ])
    }

    private static func pairs(_ pairs: Int, channels: Int) -> Measure {
        .rate { ($0.senders, $0.receivers, $0.channels) = (pairs, pairs, channels) }
    }

    private static func memory(
        _ key: String, _ title: String, isParked: Bool, transport: Transport = .tcp,
        contestants: [Contestant] = [.sluice, .beanstalkd, .redis, .nats], targets: [Target]
    ) -> RowDefinition {
        RowDefinition(
            key: key, title: title, measure: .memory(isParked: isParked), workload: .handoff, transport: transport,
            contestants: contestants, targets: targets)
    }
}
