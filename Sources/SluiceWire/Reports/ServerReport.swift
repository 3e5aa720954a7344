/// The answer to `INFO`: the server as a whole.
public struct ServerReport: Report, Hashable {
    /// Of the software.
    public var version: String
    /// The version of the protocol that it speaks.
    public var protocolVersion: Int
    /// The life of the server: another one after every restart.
    public var epoch: Int
    /// For how long it has run.
    public var uptimeSeconds: Double
    /// Whether the server is about to stop, and takes no new work.
    public var isDraining: Bool
    /// How many clients are connected.
    public var connections: Int
    /// How many operations wait.
    public var parked: Int
    /// How many channels are in use.
    public var channels: Int
    /// How many channels are remembered only because they have ended.
    public var endedChannels: Int
    /// How many messages are neither acknowledged nor refused yet.
    public var leases: Int
    /// How many messages the channels keep.
    public var bufferedMessages: Int
    /// How many bytes those have.
    public var bufferedBytes: Int
    /// How many ids of messages are remembered, to know those that are sent again.
    public var rememberedSends: Int
    /// How many messages were taken since the start.
    public var handoffs: Int
    /// How many connections were turned away, for a limit or because the system had no descriptor for them.
    public var refusedConnections: Int
    /// How many connections have ended, by what ended them; those included that were turned away.
    public var endings: [String: Int]
    /// The memory that the server occupies; nil if the system does not tell.
    public var residentBytes: Int?
    /// What the server runs beside its channels.
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
        refusedConnections: Int = 0,
        endings: [String: Int] = [:],
        residentBytes: Int? = nil,
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
        self.refusedConnections = refusedConnections
        self.endings = endings
        self.residentBytes = residentBytes
        self.processes = processes
    }

    /// Groups of lines with an empty line between them.
    public var text: String {
        let groups = [
            [
                ("version", version),
                ("protocol", String(protocolVersion)),
                ("epoch", String(epoch)),
                ("uptime", String(readableSeconds: uptimeSeconds)),
                ("state", isDraining ? "draining" : "serving"),
                ("resident memory", residentBytes.map { String(readableBytes: $0) } ?? "unknown"),
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
                ("buffered", "\(String(readable: bufferedMessages)) (\(String(readableBytes: bufferedBytes)))"),
                ("remembered ids", String(readable: rememberedSends)),
            ],
        ]
        return (groups.map(Self.lines) + [endingsText, processesText]).joined(separator: "\n\n")
    }

    private static func lines(_ group: [(key: String, value: String)]) -> String {
        group.map { $0.key + String(repeating: " ", count: keyWidth - $0.key.utf8.count) + $0.value }
            .joined(separator: "\n")
    }

    /// The width of the longest key, "refused connections", and of the two spaces behind it.
    private static let keyWidth = 21

    private var endingsText: String {
        if endings.isEmpty { return "no connection has ended" }
        var table = TextTable(.text("ENDED BY"), .number("CONNECTIONS"))
        for (reason, count) in endings.sorted(by: { $0.key < $1.key }) { table.append(reason, String(count)) }
        return table.text()
    }

    private var processesText: String {
        processes.isEmpty ? "no process runs here" : ProcessReport.table(processes)
    }
}
