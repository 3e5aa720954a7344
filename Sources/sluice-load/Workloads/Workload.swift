/// What is done to a server.
enum Workload: String, CaseIterable, Sendable {
    case ping, handoff, lease, stream, select
    case fanIn = "fan-in"
    case fanOut = "fan-out"
    case broadcast, barrier, connect

    /// What is counted.
    var unit: String {
        switch self {
        case .ping: "pings"
        case .handoff, .lease, .select, .fanIn, .fanOut: "handoffs"
        case .stream: "messages"
        case .broadcast: "broadcasts"
        case .barrier: "meetings"
        case .connect: "connections"
        }
    }

    /// Whether messages go from senders to receivers.
    var hasReceivers: Bool {
        switch self {
        case .handoff, .lease, .stream, .select, .fanIn, .fanOut, .broadcast: true
        case .ping, .barrier, .connect: false
        }
    }
}
