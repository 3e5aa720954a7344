/// A kind of load.
enum Workload: String, CaseIterable, Sendable {
    case ping, handoff, worker, lease, call, stream, select
    case fanIn = "fan-in"
    case fanOut = "fan-out"
    case broadcast, barrier, connect

    /// The name of what is counted, in the plural.
    var unit: String {
        switch self {
        case .ping: "pings"
        case .handoff, .worker, .lease, .select, .fanIn, .fanOut: "handoffs"
        case .call: "calls"
        case .stream: "messages"
        case .broadcast: "broadcasts"
        case .barrier: "meetings"
        case .connect: "connections"
        }
    }

    /// Whether messages go from senders to receivers.
    var hasReceivers: Bool {
        switch self {
        case .handoff, .worker, .lease, .call, .stream, .select, .fanIn, .fanOut, .broadcast: true
        case .ping, .barrier, .connect: false
        }
    }
}
