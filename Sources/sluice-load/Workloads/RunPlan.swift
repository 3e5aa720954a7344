import SluiceWire

/// One run: who does what to which server, how much, and for how long.
struct Plan: Sendable {
    enum Length: Sendable, Hashable {
        case time(seconds: Double, warmUpSeconds: Double)
        /// So many, and then the end: for tests that must not depend on time.
        case operations(Int)
    }

    var workload: Workload
    var contestant: Contestant
    var address: ServerAddress
    var credentials: Credentials?
    /// Connections that send, or that do everything where nobody receives.
    var senders = 50
    var receivers = 50
    /// Over how many channels they are spread.
    var channels = 50
    /// How many operations of a connection are on their way at a time.
    var depth = 1
    var bodyBytes = 16
    /// Operations a second that are to begin, whatever becomes of them; nil for the next one after an answer.
    var rate: Double?
    var length = Length.time(seconds: 10, warmUpSeconds: 1)
    var threads = 1
    var seed: UInt64 = 1
    /// With nothing done for so long, the server is taken for dead, and what has not come for lost.
    var patienceSeconds = 10.0
    var serverPID: Int32?
    /// Connections beside these that fail, again and again.
    var vandals = 0

    /// What channels, lists and tubes are called, so that two runs never meet.
    var prefix = "load"

    func channel(_ index: Int) -> String { "\(prefix)/\(index)" }

    var settings: [Setting] {
        var settings = [Setting(name: "manner", value: contestant.manner(workload) ?? "")]
        func add(_ name: String, _ value: some CustomStringConvertible) {
            settings.append(Setting(name: name, value: value.description))
        }
        if workload.hasReceivers {
            add("senders", senders)
            add("receivers", receivers)
            add("channels", channels)
            add("body", "\(bodyBytes) B")
        } else {
            add("connections", senders)
        }
        add("depth", depth)
        if let rate { add("rate", "\(rate)/s") }
        switch length {
        case .time(let seconds, let warmUp):
            add("duration", "\(seconds) s")
            add("warm-up", "\(warmUp) s")
        case .operations(let count): add("operations", count)
        }
        add("threads", threads)
        add("seed", seed)
        return settings
    }

    /// What one thread has of `count`.
    func share(of count: Int, for thread: Int) -> Int { (count + threads - 1 - thread) / threads }
}
