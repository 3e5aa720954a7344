/// The answer to `INFO`: a report on the server as a whole.
public struct ServerReport: Report, Hashable {
    /// The version of the software.
    public var version: String
    /// The version of the protocol.
    public var protocolVersion: Int
    /// A number that changes with every restart of the server.
    public var epoch: Int
    /// The time since the start of the server.
    public var uptimeSeconds: Double
    /// Whether the server is about to stop and takes no new work.
    public var isDraining: Bool
    /// The number of connected clients.
    public var connections: Int
    /// The number of operations that wait.
    public var parked: Int
    /// The number of channels in use.
    public var channels: Int
    /// The number of ended channels whose names are kept.
    public var endedChannels: Int
    /// The number of messages under a lease, or put back with a delay.
    public var leases: Int
    /// The number of messages that the channels keep.
    public var bufferedMessages: Int
    /// The bytes of the messages that the channels keep.
    public var bufferedBytes: Int
    /// The number of message ids that the server remembers to recognise repeated sends.
    public var rememberedSends: Int
    /// The number of messages that receivers took since the start.
    public var handoffs: Int
    /// The number of messages that were rejected since the start. Nil if the server does not report it.
    public var rejections: Int?
    /// The number of rejected messages that moved to a dead channel since the start. Nil if the server does not report it.
    public var deadLetters: Int?
    /// The number of rejected messages that wait for space in their dead channel. Nil if the server does not report it.
    public var waitingDeadLetters: Int?
    /// The number of connections that were refused, because of a limit or because the system had no descriptor left.
    public var refusedConnections: Int
    /// The number of connections that have ended, for each reason. Refused connections are included.
    public var endings: [String: Int]
    /// The resident memory of the server. Nil if the system does not report it.
    public var residentBytes: Int?
    /// The bytes of memory that are charged to clients. Nil if the server does not report it.
    public var memoryBytes: Int?
    /// The limit on `memoryBytes`. Nil if the server does not report it.
    public var memoryLimitBytes: Int?
    /// The built-in processes of the server.
    public var processes: [ProcessReport]

    package init(
        version: String,
        protocolVersion: Int,
        epoch: Int,
        uptimeSeconds: Double,
        isDraining: Bool = false,
        connections: Int = 0,
        parked: Int = 0,
        channels: Int = 0,
        endedChannels: Int = 0,
        leases: Int = 0,
        bufferedMessages: Int = 0,
        bufferedBytes: Int = 0,
        rememberedSends: Int = 0,
        handoffs: Int = 0,
        rejections: Int? = nil,
        deadLetters: Int? = nil,
        waitingDeadLetters: Int? = nil,
        refusedConnections: Int = 0,
        endings: [String: Int] = [:],
        residentBytes: Int? = nil,
        memoryBytes: Int? = nil,
        memoryLimitBytes: Int? = nil,
        processes: [ProcessReport] = []
    ) {
        self.version = version
        self.protocolVersion = protocolVersion
        self.epoch = epoch
        self.uptimeSeconds = uptimeSeconds
        self.isDraining = isDraining
        self.connections = connections
        self.parked = parked
        self.channels = channels
        self.endedChannels = endedChannels
        self.leases = leases
        self.bufferedMessages = bufferedMessages
        self.bufferedBytes = bufferedBytes
        self.rememberedSends = rememberedSends
        self.handoffs = handoffs
        self.rejections = rejections
        self.deadLetters = deadLetters
        self.waitingDeadLetters = waitingDeadLetters
        self.refusedConnections = refusedConnections
        self.endings = endings
        self.residentBytes = residentBytes
        self.memoryBytes = memoryBytes
        self.memoryLimitBytes = memoryLimitBytes
        self.processes = processes
    }

    /// Groups of lines, separated by empty lines.
    public var text: String {
        let groups = [
            [
                ("version", version),
                ("protocol", String(protocolVersion)),
                ("epoch", String(epoch)),
                ("uptime", String(readableSeconds: uptimeSeconds)),
                ("state", isDraining ? "draining" : "serving"),
                ("resident memory", residentBytes.map { String(readableBytes: $0) } ?? "unknown"),
                ("clients' memory", memoryText),
            ],
            [
                ("connections", String(readable: connections)),
                ("refused connections", String(readable: refusedConnections)),
                ("waiting operations", String(readable: parked)),
                ("channels in use", String(readable: channels)),
                ("ended channels", String(readable: endedChannels)),
            ],
            [
                ("messages taken", String(readable: handoffs)),
                ("under lease", String(readable: leases)),
            ] + rejectionRows + [
                ("buffered", "\(String(readable: bufferedMessages)) (\(String(readableBytes: bufferedBytes)))"),
                ("remembered ids", String(readable: rememberedSends)),
            ],
        ]
        return (groups.map(Self.lines) + [endingsText, processesText]).joined(separator: "\n\n")
    }

    private var rejectionRows: [(key: String, value: String)] {
        guard let rejections, let deadLetters, let waitingDeadLetters else { return [] }
        let moved = "\(String(readable: deadLetters)) moved, \(String(readable: waitingDeadLetters)) wait for room"
        return [("rejected", "\(String(readable: rejections)) (\(moved))")]
    }

    private var memoryText: String {
        guard let memoryBytes, let memoryLimitBytes else { return "unknown" }
        return "\(String(readableBytes: memoryBytes)) of \(String(readableBytes: memoryLimitBytes))"
    }

    private static func lines(_ group: [(key: String, value: String)]) -> String {
        group.map { $0.key + String(repeating: " ", count: keyWidth - $0.key.utf8.count) + $0.value }
            .joined(separator: "\n")
    }

    /// The width of the longest key, "refused connections", and two spaces.
    private static let keyWidth = 21

    private var endingsText: String {
        if endings.isEmpty { return "no connection has ended" }
        var table = TextTable(.text("ENDED BY"), .number("CONNECTIONS"))
        for (reason, count) in endings.sorted(by: { $0.key < $1.key }) { table.append(reason, String(count)) }
        return table.text()
    }

    private var processesText: String {
        processes.isEmpty ? "no process is running" : ProcessReport.table(processes)
    }
}
