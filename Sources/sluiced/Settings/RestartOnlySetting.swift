import SluiceHub
import SluiceWire

/// A setting that only a restart changes: reading the configuration again does not.
///
/// Such a setting belongs to something that already exists, such as a listener, or clients already know its value.
struct RestartOnlySetting: Sendable {
    /// The setting's key in the configuration file.
    let name: String
    private let needsNoRestart: @Sendable (Settings, Settings) -> Bool
    private let copy: @Sendable (Settings, inout Settings) -> Void

    /// - Parameter canBecome: whether the old value can become the new one without a restart.
    private init<Value: Equatable & SendableMetatype>(
        _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable,
        _ canBecome: @escaping @Sendable (Value, Value) -> Bool = { $0 == $1 }
    ) {
        self.name = name
        needsNoRestart = { canBecome($0[keyPath: path], $1[keyPath: path]) }
        copy = { $1[keyPath: path] = $0[keyPath: path] }
    }

    private init<Value: Equatable & SendableMetatype>(
        _ key: SettingsKey, _ path: any WritableKeyPath<Settings, Value> & Sendable,
        _ canBecome: @escaping @Sendable (Value, Value) -> Bool = { $0 == $1 }
    ) {
        self.init(key.rawValue, path, canBecome)
    }

    static let all = [
        // Its certificates may change: see `canBecome`.
        RestartOnlySetting(.listen, \.listen) { old, new in
            old.count == new.count && zip(old, new).allSatisfy { $0.canBecome($1) }
        },
        RestartOnlySetting(.web, \.web) { old, new in
            switch (old, new) {
            case (nil, nil): true
            case (let old?, let new?): old.canBecome(new)
            case (nil, _?), (_?, nil): false
            }
        },
        RestartOnlySetting(.allowPublic, \.allowsPublic),
        RestartOnlySetting(.stateDirectory, \.stateDirectory),
        RestartOnlySetting(.sandbox, \.isSandboxed),
        RestartOnlySetting(.coreDumps, \.allowsCoreDumps),
        RestartOnlySetting(.reactors, \.reactors),
        RestartOnlySetting(.blockedLoopMilliseconds, \.blockedLoopThreshold),
        RestartOnlySetting(.lineBytes, \.limits.wire.maxLineBytes),
        RestartOnlySetting(.bodyBytes, \.limits.wire.maxBodyBytes),
        RestartOnlySetting(.selectArms, \.limits.wire.maxSelectArms),
        RestartOnlySetting(.pendingTags, \.limits.wire.maxPendingTags),
        RestartOnlySetting(.capacity, \.limits.wire.maxCapacity),
        RestartOnlySetting(.window, \.limits.wire.maxWindow),
        RestartOnlySetting(.lineSeconds, \.limits.lineTimeout),
        RestartOnlySetting(.stallSeconds, \.limits.stallTimeout),
        RestartOnlySetting(.silenceSeconds, \.limits.silenceTimeout),
        RestartOnlySetting(SettingsFile.processesKey, \.processes),
    ]

    /// Copies the setting from `old` to `new`.
    ///
    /// - Returns: whether `new` had another value.
    func keep(from old: Settings, in new: inout Settings) -> Bool {
        if needsNoRestart(old, new) { return false }
        copy(old, &new)
        return true
    }
}

extension Settings {
    /// Returns the settings that take effect when the running daemon reads `other`, and the keys that differ in `other`
    /// but need a restart.
    ///
    /// - Throws: ``SettingsError`` if the result would serve other machines without authentication, or would have no
    ///   principals although there are some now.
    func reloaded(with other: Settings) throws(SettingsError) -> (settings: Settings, kept: [String]) {
        var settings = other
        var kept: [String] = []
        for setting in RestartOnlySetting.all where setting.keep(from: self, in: &settings) {
            kept.append(setting.name)
        }
        // The new settings alone can be valid without users, because their addresses can be others.
        if let address = settings.exposedAddress {
            throw SettingsError(
                "other machines can reach \(address) without authentication until the daemon restarts; keep users-file or principals-file",
                status: .configuration)
        }
        // A file is empty for a moment while an editor writes it.
        if principals != nil, settings.principals == nil {
            throw SettingsError(
                "without principals, every client could do everything; keep users-file, principals-file or principals, or restart sluiced",
                status: .configuration)
        }
        return (settings, kept)
    }
}
