import SluiceHub
import SluiceWire

/// A setting that holds from the start of the daemon to its end: reading the configuration again does not change it.
///
/// Either what it is about exists by then, such as a listener, or clients were told of it.
struct FixedSetting: Sendable {
    /// Its key in the configuration file.
    let name: String
    private let isEqual: @Sendable (Settings, Settings) -> Bool
    private let copy: @Sendable (Settings, inout Settings) -> Void

    private init<Value: Equatable & SendableMetatype>(
        _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable
    ) {
        self.name = name
        isEqual = { $0[keyPath: path] == $1[keyPath: path] }
        copy = { $1[keyPath: path] = $0[keyPath: path] }
    }

    private init<Value: Equatable & SendableMetatype>(
        _ key: SettingsKey, _ path: any WritableKeyPath<Settings, Value> & Sendable
    ) {
        self.init(key.rawValue, path)
    }

    static let all = [
        FixedSetting(.listen, \.listen),
        FixedSetting(.allowPublic, \.allowsPublic),
        FixedSetting(.reactors, \.reactors),
        FixedSetting(.blockedLoopMilliseconds, \.blockedLoopThreshold),
        FixedSetting(.lineBytes, \.limits.wire.maxLineBytes),
        FixedSetting(.bodyBytes, \.limits.wire.maxBodyBytes),
        FixedSetting(.selectArms, \.limits.wire.maxSelectArms),
        FixedSetting(.pendingTags, \.limits.wire.maxPendingTags),
        FixedSetting(.capacity, \.limits.wire.maxCapacity),
        FixedSetting(.window, \.limits.wire.maxWindow),
        FixedSetting(.lineSeconds, \.limits.lineTimeout),
        FixedSetting(.stallSeconds, \.limits.stallTimeout),
        FixedSetting(.silenceSeconds, \.limits.silenceTimeout),
        FixedSetting(SettingsFile.processesKey, \.processes),
    ]

    /// Takes the setting over from `old` into `new`.
    ///
    /// - Returns: whether `new` has said something else.
    func keep(from old: Settings, in new: inout Settings) -> Bool {
        if isEqual(old, new) { return false }
        copy(old, &new)
        return true
    }
}

extension Settings {
    /// What these settings become when `other` is read while the daemon runs, and the names of those that only a restart
    /// would change.
    ///
    /// - Throws: ``SettingsError``, when the two do not go together.
    func reloaded(with other: Settings) throws(SettingsError) -> (settings: Settings, kept: [String]) {
        var settings = other
        var kept: [String] = []
        for setting in FixedSetting.all where setting.keep(from: self, in: &settings) { kept.append(setting.name) }
        // The new file may have other addresses, and so be right to have no users.
        if let address = settings.exposedAddress {
            throw SettingsError(
                "other machines can reach \(address), where the daemon listens until it is restarted; it needs users-file",
                status: .configuration)
        }
        return (settings, kept)
    }
}
