import Glibc
import Logging
import SluiceHub
import SluiceRuntime

/// Has the daemon read its configuration again: all of that takes effect, or nothing.
struct Reloading: Sendable {
    let hub: Hub
    let journal: Journal
    /// Reads the sources that the daemon was started with.
    let load: @Sendable () throws(SettingsError) -> Settings

    /// Reads the configuration again with each SIGHUP. On the reactor's thread.
    ///
    /// - Parameter settings: what holds at the beginning.
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
        do throws(SettingsError) {
            let (settings, kept) = try current.reloaded(with: try await read())
            hub.change(limits: settings.limits, users: settings.users)
            journal.level = settings.logLevel
            current = settings
            for name in kept {
                journal.log(.warning, "a changed key takes effect after a restart", ["key": "\(name)"])
            }
            journal.log(.notice, "configuration reloaded")
        } catch {
            journal.log(.error, "configuration not reloaded, nothing has changed", ["error": "\(error.message)"])
        }
    }

    /// Elsewhere, because reading blocks its thread, and may do so for long where the file is none.
    private func read() async throws(SettingsError) -> Settings {
        try await Task.detached { [load] () async -> Result<Settings, SettingsError> in
            Result { () throws(SettingsError) in try load() }
        }.value.get()
    }
}
