import Dispatch
import Foundation
import Logging
import SluiceHub
import SluiceRuntime
import SluiceWeb
import SluiceWire
import Synchronization

/// Runs one hub: its reactors, its listeners and the signals that stop it or reload its configuration.
struct Daemon {
    private let settings: Settings
    private let load: @Sendable () throws(SettingsError) -> Settings
    private let log: DaemonLog
    /// The ready lines on stdout.
    private let output: OutputQueue
    private let state: StateDirectory?
    private let manager: ServiceManager

    /// The certificate of `--dev-tls`; nil without it.
    private let certificate: ThrowawayCertificate?
    private let reactor: Reactor
    /// The reactor of the listeners, on a thread of its own. So while connected clients keep the other reactors busy,
    /// connections do not wait in the kernel's queue, which one client could fill.
    private let acceptor: Reactor
    private let listeners: [ListenerGroup]
    /// The listeners of the web door; nil without one.
    private let webListeners: ListenerGroup?

    /// Reads the settings, opens the listeners, and enters the sandbox.
    ///
    /// - Parameters:
    ///   - load: reads the settings; called now and on each SIGHUP.
    ///   - path: the configuration file, which `load` reads; nil without one.
    ///   - inherited: the sockets that the service manager has opened.
    ///   - manager: the service manager.
    ///   - certificate: the certificate for listeners without one; nil without `--dev-tls`.
    init(
        _ load: @escaping @Sendable () throws(SettingsError) -> Settings, configurationPath path: String?,
        inheriting inherited: InheritedSockets, under manager: ServiceManager,
        developingWith certificate: ThrowawayCertificate? = nil
    ) throws(SettingsError) {
        let load: @Sendable () throws(SettingsError) -> Settings = { () throws(SettingsError) in
            var settings = try load()
            if let certificate { settings.use(certificate) }
            return settings
        }
        let settings = try load()
        self.settings = settings
        self.load = load
        self.certificate = certificate
        self.manager = manager
        if settings.hasSecrets, !settings.allowsCoreDumps { CoreDumps.forbid() }
        state = try settings.stateDirectory.map { path throws(SettingsError) in try StateDirectory(path: path) }
        let reactor = try Self.granted { () throws(SluiceError) in try Reactor(name: "sluiced") }
        self.reactor = reactor
        let acceptor = try Self.granted { () throws(SluiceError) in try Reactor(name: "sluiced/accept") }
        self.acceptor = acceptor
        var sockets = inherited
        let open = { (setting: ListenerSetting) throws(SettingsError) -> ListenerGroup in
            let options = settings.limits.listenerOptions
            return try ListenerGroup(setting, options: options, on: acceptor, inheriting: &sockets)
        }
        listeners = try settings.listen.map(open)
        webListeners = try settings.web.map { web throws(SettingsError) in try open(web.listener) }
        try sockets.refuseUnused()
        // The sandbox applies to this thread and those that it starts, so it comes before the first of them.
        let sandbox = Sandbox(for: settings, reading: path, removing: certificate)
        let report = settings.isSandboxed ? sandbox.enter() : nil
        Allocator.startReturningMemory()
        (log, output) = try Self.granted { () throws(SluiceError) in
            (
                try DaemonLog(level: settings.logLevel, format: settings.logFormat),
                try OutputQueue(to: STDOUT_FILENO) { _ in [] }
            )
        }
        manager.reportFailures(to: log)
        if let report { log.write(report.level, report.message, ["landlock": report.landlock]) }
        for group in allListeners { for remark in group.remarks { log.write(.notice, remark) } }
    }

    private var allListeners: [ListenerGroup] { listeners + [webListeners].compactMap(\.self) }

    /// The longest time that the daemon waits, before it exits, for the last responses of the web door.
    private static let lastResponses = Duration.seconds(1)
    /// The longest time that the daemon, at its end, waits for stderr to take the last lines.
    private static let lastWrites = Duration.seconds(1)

    /// Serves clients until a signal stops the daemon and the hub has drained.
    func run() throws(SettingsError) {
        Self.raiseDescriptorLimit()
        Self.growDescriptorTable(forConnections: settings.hubLimits.maxConnections)
        Self.startDispatch()
        let hub = try makeHub(on: reactor)
        try start(settings.processes, of: hub)
        let reactors = try [reactor] + startOtherReactors()
        var monitors: [LoopMonitor] = []
        defer { for monitor in monitors { monitor.stop() } }
        for reactor in reactors { if let monitor = try watch(reactor, of: hub) { monitors.append(monitor) } }
        defer { for other in reactors.dropFirst() { other.stop() } }
        try Self.granted { () throws(SluiceError) in try acceptor.start() }
        defer { acceptor.stop() }
        do {
            try reactor.run { try await serve(hub, listeners, on: reactors) }
        } catch {
            throw SettingsError("\(error)", status: .systemError)
        }
    }

    private func makeHub(on reactor: Reactor) throws(SettingsError) -> Hub {
        let log = log
        let time = Self.milliseconds
        let epoch = try state?.beginEpoch(at: time) ?? time
        let hub = Hub(on: reactor, limits: settings.hubLimits, principals: settings.principals, epoch: epoch) {
            log.write($0)
        }
        if let state {
            try manager.extendingTimeout { () throws(SettingsError) in try restore(hub, from: state, at: time) }
        }
        return hub
    }

    /// Takes up what the hub of the last run kept, if there is anything.
    private func restore(_ hub: Hub, from state: StateDirectory, at time: Int) throws(SettingsError) {
        guard let (saved, savedAt) = try state.savedHub() else { return }
        do throws(StoredHubError) {
            try hub.restore(saved, after: .milliseconds(max(0, time - savedAt)))
        } catch {
            throw state.damage(error.description)
        }
        log.write(
            .info, "took up what the last run kept",
            ["messages": "\(saved.messageCount)", "channels": "\(saved.channelCount)"])
    }

    /// Writes what the drained hub keeps, for the next run.
    ///
    /// - Returns: whether it is kept.
    private func save(_ hub: Hub, in state: StateDirectory) -> Bool {
        let stored = hub.stored()
        do throws(SettingsError) {
            try state.save(stored, at: Self.milliseconds)
        } catch {
            log.write(
                .error, "what the hub kept is lost",
                ["error": error.message, "messages": "\(stored.messageCount)"])
            return false
        }
        log.write(
            .info, "keeps the state for the next run",
            ["messages": "\(stored.messageCount)", "channels": "\(stored.channelCount)"])
        return true
    }

    /// The time by the clock, in milliseconds since 1970.
    private static var milliseconds: Int { Int(Date().timeIntervalSince1970 * 1000) }

    // MARK: Starting

    /// Raises the soft limit on descriptors to the hard limit: the usual soft limit is meant for users of `select(2)`.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        // If the system refuses, the daemon serves fewer connections and works as usual.
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Makes the kernel's table of descriptors large enough for all connections, at eight bytes each. Otherwise, the
    /// kernel doubles the table as connections come, and each time the loop waits about 20 ms for all processors.
    private static func growDescriptorTable(forConnections count: Int) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        // Besides the connections and their reserve: connections that are not admitted yet, listeners, standard
        // streams, and the files that libraries open.
        let wanted = count + count / 8 + HubLimits.acceptedAhead + 256
        let highest = min(Int32(clamping: wanted), Int32(clamping: limit.rlim_cur) - 1)
        let number = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, highest)
        if number >= 0 { close(number) }
    }

    /// Lets libdispatch open its descriptors, and start a thread, before clients can use up the descriptors. It opens
    /// them at its first use, and traps if that fails: the first SIGHUP or SIGTERM would end the process.
    private static func startDispatch() {
        let hasRun = DispatchSemaphore(value: 0)
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(1)) { hasRun.signal() }
        hasRun.wait()
    }

    /// Starts the reactors after the first one, each on a thread of its own.
    private func startOtherReactors() throws(SettingsError) -> [Reactor] {
        var others: [Reactor] = []
        for number in 1..<settings.reactors {
            let other = try Self.granted { () throws(SluiceError) in try Reactor(name: "sluiced/\(number)") }
            try Self.granted { () throws(SluiceError) in try other.start() }
            others.append(other)
        }
        return others
    }

    /// Registers the processes with the hub; they begin when the reactor runs.
    private func start(_ processes: [BuiltInProcess], of hub: Hub) throws(SettingsError) {
        let log = log
        for process in processes {
            do throws(SluiceError) {
                try hub.start(process) { failure in
                    // The reason can come from a client, so it can contain any bytes.
                    let error = String(readableReason: "\(failure.error)") ?? "unknown"
                    log.write(
                        .warning, "process failed",
                        ["process": failure.name, "error": error, "restart": "in \(failure.delay)"])
                }
            } catch {
                throw SettingsError(error.message, status: .configuration)
            }
        }
    }

    private func watch(_ reactor: Reactor, of hub: Hub) throws(SettingsError) -> LoopMonitor? {
        guard let threshold = settings.blockedLoopThreshold else { return nil }
        let (log, activity) = (log, hub.activity(of: reactor))
        // The command that ran when the block was noticed. At its end, another one may run.
        let noticed = Lock<ClientActivity.RunningCommand?>(nil)
        let monitor = LoopMonitor(watching: reactor, threshold: threshold) { blocked in
            let command = noticed.withLock { noticed in
                if !blocked.hasEnded { noticed = activity.current }
                return noticed
            }
            log.write(blocked, command)
        }
        try Self.granted { () throws(SluiceError) in try monitor.start() }
        return monitor
    }

    /// Runs `body`, and gives an error of it the status ``ExitStatus/systemError``.
    private static func granted<Result>(_ body: () throws(SluiceError) -> Result) throws(SettingsError) -> Result {
        do throws(SluiceError) {
            return try body()
        } catch {
            throw SettingsError(error.message, status: .systemError)
        }
    }

    // MARK: Serving

    /// Serves the listeners' clients until the hub has drained.
    ///
    /// - Parameter reactors: the reactors that serve clients; the first one runs this task.
    private func serve(_ hub: Hub, _ listeners: [ListenerGroup], on reactors: [Reactor]) async throws(SluiceError) {
        // Before any client is served, so that no message is delivered by two runs.
        do throws(SettingsError) {
            try state?.removeSavedHub()
        } catch {
            throw SluiceError(.system, error.message)
        }
        let shutdown = Shutdown(
            hub: hub, listeners: listeners.flatMap(\.listeners), log: log, manager: manager, keepsState: state != nil)
        try shutdown.beginOnSignals(of: reactors[0])
        let reload = ConfigurationReload(hub: hub, listeners: allListeners, log: log, manager: manager, load: load)
        try reload.beginOnSignals(of: reactors[0], settings)
        for group in listeners {
            for listener in group.listeners {
                acceptor.spawn("listener on \(listener.localAddress)") {
                    await accept(hub, listener, of: group, on: reactors)
                }
            }
        }
        let door = openWebDoor(to: hub, on: reactors)
        try StatusReport(hub: hub, log: log).beginOnSignals(of: reactors[0])
        try LogLevelSignals(log: log).begin(of: reactors[0])
        let ticker = try reactors[0].tick(every: .seconds(10)) { [log, state, manager] _ in
            log.writeLeftOut()
            manager.report(hub)
            if let state { reserveEpochs(of: state, hub) }
        }
        let measuring = try reactors[0].tick(every: .seconds(1)) { _ in hub.noteMemory(occupied: Allocator.activeBytes)
        }
        let watched = try manager.watch(reactors + [acceptor])
        defer { withExtendedLifetime((ticker, measuring, watched)) {} }
        for group in listeners { output.append(Array(group.readyLine.utf8)) }
        if let webListeners { output.append(Array(webListeners.webReadyLine.utf8)) }
        if let certificate, let address = listeners.lazy.compactMap(\.secureAddress).first {
            let line = "try sluice ping --hub \(address) --ca \(certificate.authorityPath)\n"
            output.append(Array(line.utf8))
        }
        manager.ready("serving")
        try await hub.waitUntilDrained()
        await door?.waitUntilIdle(atMost: Self.lastResponses)
        shutdown.cancelForcedEnd()
        end(hub)
    }

    /// Serves HTTP. The door stays open while the hub drains, so that `/readyz` can report it and clients can end
    /// leases.
    private func openWebDoor(to hub: Hub, on reactors: [Reactor]) -> WebDoor? {
        guard let webListeners, let setting = settings.web else { return nil }
        let door = WebDoor(to: hub, hosts: setting.allHosts, usesTLS: setting.listener.tls != nil, on: reactors)
        for listener in webListeners.listeners {
            acceptor.spawn("web listener on \(listener.localAddress)") {
                await accept(hub, listener, of: webListeners, on: reactors, through: door)
            }
        }
        return door
    }

    /// Reserves more epochs, in a task of its own because the disk may be slow.
    private func reserveEpochs(of state: StateDirectory, _ hub: Hub) {
        let next = hub.nextEpoch
        Task.detached { [log] in
            do throws(SettingsError) {
                try state.keepAhead(of: next)
            } catch {
                log.write(.error, "cannot write the state directory", ["error": error.message])
            }
        }
    }

    /// Ends the process, after its clients have disconnected.
    private func end(_ hub: Hub) -> Never {
        // From here on, no signal may change the exit status. The end of the loop would restore the default action of
        // signals, so the process ends here.
        ProcessState.ignoreStopSignals()
        let isSaved = state.map { state in manager.extendingTimeout { save(hub, in: state) } } ?? true
        log.write(.info, "stopped")
        log.writeLeftOut(isLast: true)
        certificate?.remove()
        manager.flush()
        log.flush(within: Self.lastWrites)
        exit(isSaved ? EXIT_SUCCESS : ExitStatus.inputOutput.rawValue)
    }

    private func accept(
        _ hub: Hub, _ listener: Listener, of group: ListenerGroup, on reactors: [Reactor],
        through door: WebDoor? = nil
    ) async {
        do throws(SluiceError) {
            try await hub.serve(listener, on: reactors, behind: group.proxies, group.mapping, through: door)
        } catch {
            guard error.code != .cancelled else { return }
            log.write(.error, "listener failed", ["address": "\(listener.localAddress)", "error": "\(error)"])
        }
    }
}
