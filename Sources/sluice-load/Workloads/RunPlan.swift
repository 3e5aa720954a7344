import SluiceWire

/// One run: a workload, the server, how many connections, and how long.
struct RunPlan: Sendable {
    enum Length: Sendable, Hashable {
        case time(seconds: Double, warmUpSeconds: Double)
        /// A number of operations, for tests that must not depend on time.
        case operations(Int)
    }

    var workload: Workload
    var contestant: Contestant
    var address: ServerAddress
    var credentials: Credentials?
    /// How many connections send, or do everything in workloads without receivers.
    var senders = 50
    var receivers = 50
    /// How many channels the senders and receivers share.
    var channels = 50
    /// How many operations of a connection are in flight at a time.
    var depth = 1
    var bodyBytes = 16
    /// How many operations begin each second, however long they take; nil to begin the next one after an answer.
    var rate: Double?
    var length = Length.time(seconds: 10, warmUpSeconds: 1)
    var threads = 1
    var seed: UInt64 = 1
    /// The run fails after this long without any progress.
    var patienceSeconds = 10.0
    var serverPID: Int32?
    /// How many more connections disconnect in the middle of their work, again and again.
    var vandals = 0

    /// The first part of the names of channels, lists and tubes, so that runs do not interfere.
    var prefix = "load"

    func channel(_ index: Int) -> String { "\(prefix)/\(index)" }

    /// The server, with its version if that is known; nothing if its process is not.
    var servers: [String] {
        serverPID.map { [contestant.program.title(of: ServerProcess($0))] } ?? []
    }

    var settings: [RunSetting] {
        var settings = [RunSetting(name: "manner", value: contestant.manner(workload) ?? "")]
        func add(_ name: String, _ value: some CustomStringConvertible) {
            settings.append(RunSetting(name: name, value: value.description))
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

    /// Returns one thread's share of `count`.
    func share(of count: Int, for thread: Int) -> Int { (count + threads - 1 - thread) / threads }
}
