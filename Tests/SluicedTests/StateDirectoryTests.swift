import Foundation
import Testing

@testable import sluiced

@Suite struct StateDirectoryTests {
    private func directory() throws -> String {
        let path = NSTemporaryDirectory() + "sluiced-state-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        return path
    }

    @Test("The epoch is the time, and grows with each run even if the clock goes back")
    func theEpochGrows() throws {
        let path = try directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var last = 0
        for time in [1_700_000_000_000, 1_700_000_000_000, 1_600_000_000_000, 1, 1_800_000_000_000] {
            let epoch = try StateDirectory(path: path).beginEpoch(at: time)
            #expect(epoch > last)
            #expect(epoch == time || time <= last + 1024)
            last = epoch
        }
    }

    @Test("A run that uses up what it has reserved reserves more, so that the next epoch is greater")
    func moreIsReserved() throws {
        let path = try directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            let state = try StateDirectory(path: path)
            #expect(try state.beginEpoch(at: 1000) == 1000)
            for next in stride(from: 1001, through: 9001, by: 100) { try state.keepAhead(of: next) }
        }
        #expect(try StateDirectory(path: path).beginEpoch(at: 1000) > 9001)
    }

    @Test("Two daemons cannot use one directory")
    func oneDaemonOnly() throws {
        let path = try directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let state = try StateDirectory(path: path)
        let error = #expect(throws: SettingsError.self) { try StateDirectory(path: path) }
        #expect(error?.status == .unavailable)
        withExtendedLifetime(state) {}
    }

    @Test("A directory that does not exist, is a file, or holds no number is an error")
    func unusableDirectories() throws {
        let path = try directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: SettingsError.self) { try StateDirectory(path: path + "/none") }
        try Data("no number".utf8).write(to: URL(fileURLWithPath: path + "/epoch"))
        #expect(throws: SettingsError.self) { try StateDirectory(path: path + "/epoch") }
        let error = #expect(throws: SettingsError.self) { try StateDirectory(path: path).beginEpoch(at: 1) }
        #expect(error?.status == .configuration)
        #expect(error?.message.hasPrefix(path + "/epoch: it does not hold a number below") == true)
    }

    @Test("A draft that a crash has left does not count")
    func aDraftIsIgnored() throws {
        let path = try directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try StateDirectory(path: path).beginEpoch(at: 5000) == 5000)
        try Data("12".utf8).write(to: URL(fileURLWithPath: path + "/epoch.new"))
        #expect(try StateDirectory(path: path).beginEpoch(at: 1) > 5000)
    }
}
