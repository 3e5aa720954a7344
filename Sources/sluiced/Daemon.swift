import CMalloc
import Foundation
import Logging
import SluiceHub
import SluiceRuntime
import SluiceWire

/// One life of the daemon: reactors, a hub, listeners, and the signals that it obeys.
struct Daemon {
    private let settings: Settings
    private let load: @Sendable () throws(SettingsError) -> Settings
    private let journal: Journal

    /// - Parameter load: reads the settings, again and again.
    init(_ load: @escaping @Sendable () throws(SettingsError) -> Settings) throws(SettingsError) {
        settings = try load()
        self.load = load
        journal = Journal(level: settings.logLevel)
    }

    /// Serves until a signal asks for the end, and everybody was told of it.
    func run() throws(SettingsError) {
        Self.raiseDescriptorLimit()
        Self.keepMemoryForBodies()
        let reactor = try Self.granted { () throws(SluiceError) in try Reactor(name: "sluiced") }
        let hub = makeHub(on: reactor)
        let listeners = try bind(on: reactor)
        try start(settings.processes, of: hub)
        let reactors = try [reactor] + startOthers()
        var monitors: [LoopMonitor] = []
        defer { for monitor in monitors { monitor.stop() } }
        for reactor in reactors { if let monitor = try watch(reactor) { monitors.append(monitor) } }
        defer { for other in reactors.dropFirst() { other.stop() } }
        do {
            try reactor.run { try await serve(hub, listeners, on: reactors) }
        } catch {
            throw SettingsError("\(error)", status: .systemError)
        }
    }

    /// Keeps the allocator from giving memory back with each message and asking for it with the next: that took a third of
    /// the time of messages of 64 KiB. After a crowd has gone, the hub has what is free given back.
    private static func keepMemoryForBodies() {
        cmalloc_keep(1 << 20, 1 << 20)
    }

    private func makeHub(on reactor: Reactor) -> Hub {
        let journal = journal
        let epoch = Int(Date().timeIntervalSince1970 * 1000)
        return Hub(on: reactor, limits: settings.limits, users: settings.users, epoch: epoch) { client, ending in
            let level: Logger.Level = ending.isFault ? .notice : .debug
            journal.log(level, "connection closed", ["client": "\(client)", "reason": "\(ending.rawValue)"])
        }
    }

    // MARK: Starting

    /// Takes as many descriptors as an administrator allows: the usual soft limit is for programs that use `select(2)`.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        // Where that is refused, there are fewer connections, and nothing else changes.
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// The reactors that do nothing but serve clients.
    private func startOthers() throws(SettingsError) -> [Reactor] {
        var others: [Reactor] = []
        for number in 1..<settings.reactors {
            let other = try Self.granted { () throws(SluiceError) in try Reactor(name: "sluiced/\(number)") }
            try Self.granted { () throws(SluiceError) in try other.start() }
            others.append(other)
        }
        return others
    }

    private func bind(on reactor: Reactor) throws(SettingsError) -> [Listener] {
        var listeners: [Listener] = []
        for address in settings.listen {
            do throws(SluiceError) {
                let address = try SocketAddress(address.description)
                listeners.append(
                    try Listener.bind(to: address, on: reactor, options: settings.limits.listenerOptions))
            } catch {
                throw SettingsError(error.message, status: ExitStatus(bindFailure: error))
            }
        }
        return listeners
    }

    /// Has the processes begin as soon as the reactor runs.
    private func start(_ processes: [BuiltInProcess], of hub: Hub) throws(SettingsError) {
        let journal = journal
        for process in processes {
            do throws(SluiceError) {
                try hub.start(process) { failure in
                    // A client may have said why, in any bytes.
                    let error = String(readableReason: "\(failure.error)") ?? "unknown"
                    journal.log(
                        .warning, "process failed",
                        ["process": "\(failure.name)", "error": "\(error)", "restart": "in \(failure.delay)"])
                }
            } catch {
                throw SettingsError(error.message, status: .configuration)
            }
        }
    }

    private func watch(_ reactor: Reactor) throws(SettingsError) -> LoopMonitor? {
        guard let threshold = settings.blockedLoopThreshold else { return nil }
        let journal = journal
        let monitor = LoopMonitor(watching: reactor, threshold: threshold) { blocked in
            journal.log(
                .warning, blocked.hasEnded ? "the loop was blocked" : "the loop is blocked",
                ["task": "\(blocked.task ?? "unnamed")", "for": "\(blocked.duration)"])
        }
        try Self.granted { () throws(SluiceError) in try monitor.start() }
        return monitor
    }

    private static func granted<Result>(_ body: () throws(SluiceError) -> Result) throws(SettingsError) -> Result {
        do throws(SluiceError) {
            return try body()
        } catch {
            throw SettingsError(error.message, status: .systemError)
        }
    }

    // MARK: Serving

    /// - Parameter reactors: where clients are served; the first one runs this task.
    private func serve(_ hub: Hub, _ listeners: [Listener], on reactors: [Reactor]) async throws(SluiceError) {
        let shutdown = Shutdown(hub: hub, listeners: listeners, journal: journal)
        try shutdown.beginOnSignals(of: reactors[0])
        try Reloading(hub: hub, journal: journal, load: load).beginOnSignals(of: reactors[0], settings)
        for listener in listeners {
            reactors[0].spawn("listener on \(listener.localAddress)") { await accept(hub, listener, on: reactors) }
        }
        for listener in listeners { announce(listener.localAddress) }
        try await hub.waitUntilDrained()
        journal.log(.info, "stopped")
    }

    private func accept(_ hub: Hub, _ listener: Listener, on reactors: [Reactor]) async {
        do throws(SluiceError) {
            try await hub.serve(listener, on: reactors)
        } catch {
            guard error.code != .cancelled else { return }
            journal.log(.error, "listener failed", ["address": "\(listener.localAddress)", "error": "\(error)"])
        }
    }

    /// Tells on stdout where clients can connect.
    private func announce(_ address: SocketAddress) {
        let place =
            switch address {
            case .ipv4, .ipv6: "tcp=\(address)"
            case .unix(let path): "unix=\(path)"
            }
        print("ready \(place)")
        fflush(nil)
    }
}

extension ConnectionEnding {
    /// Whether an operator may want to know, without asking for it.
    fileprivate var isFault: Bool {
        switch self {
        case .quit, .endOfInput, .reset, .drained, .stopped: false
        case .silent, .refused, .denied, .slowLine, .stalled, .backlog, .tooMany, .tooManyOfAddress,
            .tooManyOfPrincipal, .noDescriptor:
            true
        }
    }
}

extension ExitStatus {
    /// What to end with when there can be no listener.
    fileprivate init(bindFailure error: SluiceError) {
        switch error.errno {
        case EACCES, EPERM: self = .noPermission
        default: self = .unavailable
        }
    }
}
