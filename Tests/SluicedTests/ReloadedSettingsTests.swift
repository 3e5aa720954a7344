import Foundation
import Logging
import SluiceHub
import SluiceWire
import Testing

@testable import sluiced

@Suite struct ReloadedSettingsTests {
    /// Returns settings that all differ from the defaults.
    private func changedSettings() throws -> Settings {
        var settings = Settings()
        settings.listen = [.unix(path: "/s")]
        settings.web = nil
        settings.allowsPublic = true
        settings.principals = try UsersFile(path: "u", text: "alice x").principals
        settings.stateDirectory = "/tmp"
        settings.isSandboxed = false
        settings.allowsCoreDumps = true
        settings.reactors = 2
        settings.logLevel = .debug
        settings.blockedLoopThreshold = nil
        settings.processes = [try BuiltInProcess(.echo(from: "a", to: "b"))]
        settings.limits = HubLimits(
            wire: Limits(
                maxLineBytes: 1000, maxBodyBytes: 1001, maxSelectArms: 7, maxPendingTags: 8, maxWindow: 9,
                maxCapacity: 10),
            maxConnections: 11, maxConnectionsPerAddress: 12, maxConnectionsPerPrincipal: 13,
            lineTimeout: .seconds(14), stallTimeout: .seconds(15), silenceTimeout: nil, parkedBytes: 16, keptBytes: 17,
            maxLeases: 18,
            maxDeclaredChannels: 19, maxEnds: 20, tombstoneLife: .seconds(21), maxTombstones: 22,
            sendMemoryLife: .seconds(23), maxRememberedSends: 24, drainTimeout: .seconds(25))
        return settings
    }

    @Test("A reload keeps the settings that need a restart, and names those that differ")
    func kept() throws {
        let (old, new) = (Settings(), try changedSettings())
        let (settings, kept) = try old.reloaded(with: new)
        #expect(Set(kept) == Set(RestartOnlySetting.all.map(\.name)))
        #expect(settings.listen == old.listen)
        #expect(settings.limits.wire == old.limits.wire)
        #expect(settings.processes.isEmpty)
        #expect(settings.principals == new.principals)
        #expect(settings.logLevel == .debug)
        #expect(settings.limits.maxConnectionsPerAddress == 12)
        #expect(settings.limits.drainTimeout == .seconds(25))
        // The hub adopts exactly the limits that do not need a restart.
        #expect(old.limits.adopting(new.limits) == settings.limits)
    }

    @Test("A reload of the same settings changes nothing")
    func same() throws {
        let settings = try changedSettings()
        let (reloaded, kept) = try settings.reloaded(with: settings)
        #expect(reloaded == settings)
        #expect(kept.isEmpty)
    }

    @Test("A reload fails if it would open a public address without authentication")
    func exposed() throws {
        var old = Settings()
        old.listen = [.tcp(host: "0.0.0.0", port: 1)]
        old.principals = try UsersFile(path: "u", text: "alice x").principals
        let error = #expect(throws: SettingsError.self) { try old.reloaded(with: Settings()) }
        #expect(error?.message.contains("0.0.0.0:1") == true)
        // allow-public needs a restart as well.
        var permitted = Settings()
        permitted.allowsPublic = true
        #expect(throws: SettingsError.self) { try old.reloaded(with: permitted) }
    }

    @Test("A reload fails if it would drop the principals, as an empty file would")
    func principalsStay() throws {
        var old = Settings()
        old.principals = try UsersFile(path: "u", text: "alice x").principals
        let error = #expect(throws: SettingsError.self) { try old.reloaded(with: Settings()) }
        #expect(error?.message.hasPrefix("without principals, every client could do everything") == true)
        var new = Settings()
        new.principals = try UsersFile(path: "u", text: "bob y").principals
        #expect(throws: Never.self) { try old.reloaded(with: new) }
        #expect(throws: Never.self) { try Settings().reloaded(with: old) }
    }

    @Test("config/sluiced.yaml says which settings need a restart", arguments: SettingsKey.allCases)
    func documented(key: SettingsKey) throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../config/sluiced.yaml").standardizedFileURL.path()
        let word = try #require(key.rawValue.split(separator: ".").last)
        let lines = try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n")
        let place = try #require(lines.firstIndex { $0.drop { $0 == " " }.hasPrefix("\(word):") })
        let comment = lines[..<place].reversed().prefix { $0.contains("#") }.reversed()
            .map { $0.trimmingCharacters(in: ["#", " "]) }.joined(separator: " ")
        let needsRestart = RestartOnlySetting.all.contains { $0.name == key.rawValue }
        #expect(comment.hasSuffix("Needs a restart.") == needsRestart, "\(comment)")
    }
}
