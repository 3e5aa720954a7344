import Glibc
import Logging
import SluiceHub
import SluiceRuntime

/// Reads the configuration again on SIGHUP. A new configuration with a mistake changes nothing.
struct ConfigurationReload: Sendable {
    let hub: Hub
    /// The daemon's listeners, in the order of the configuration. That of the web door is the last.
    let listeners: [ListenerGroup]
    let log: DaemonLog
    let manager: ServiceManager
    /// Reads the settings from the same flags, environment and files as at the start.
    let load: @Sendable () throws(SettingsError) -> Settings

    /// Reads the configuration again on each SIGHUP. Call this on the reactor's thread.
    ///
    /// - Parameter settings: the settings that are in effect now.
    func beginOnSignals(of reactor: Reactor, _ settings: Settings) throws(SluiceError) {
        let signals = try reactor.signals(SIGHUP)
        reactor.spawn("SIGHUP") {
            var current = settings
            while true {
                _ = try await signals.next()
                await reload(&current)
            }
        }
    }

    private func reload(_ current: inout Settings) async {
        manager.reloading()
        do throws(SettingsError) {
            let (settings, kept) = try current.reloaded(with: try await read())
            for (listener, context) in zip(listeners, try await contexts(of: settings)) {
                if let context { listener.replaceTLS(with: context) }
            }
            hub.change(limits: settings.hubLimits, principals: settings.principals)
            log.change(level: settings.logLevel, format: settings.logFormat)
            current = settings
            for name in kept {
                log.write(.warning, "the changed key takes effect after a restart", ["key": name])
            }
            log.write(.notice, "configuration reloaded")
            manager.ready("serving; configuration reloaded")
        } catch {
            let isDenied = error.status == .noPermission && current.isSandboxed
            let hint = isDenied ? "; the sandbox permits the directories that were named at the start" : ""
            log.write(
                .error, "configuration not reloaded; the old one stays in effect", ["error": error.message + hint])
            manager.ready("serving", despite: "configuration not reloaded: \(error.message)")
        }
    }

    /// Reads the certificates off the reactor's thread.
    private func contexts(of settings: Settings) async throws(SettingsError) -> [TLSServerContext?] {
        try await Task.detached { () async -> Result<[TLSServerContext?], SettingsError> in
            Result { () throws(SettingsError) in
                try settings.allListeners.map { listener throws(SettingsError) in try listener.tls?.makeContext() }
            }
        }.value.get()
    }

    /// Loads the settings off the reactor's thread: reading a file and checking the settings take their time.
    private func read() async throws(SettingsError) -> Settings {
        try await Task.detached { [load] () async -> Result<Settings, SettingsError> in
            Result { () throws(SettingsError) in try load() }
        }.value.get()
    }
}
