import Foundation
import SluiceHub
import Testing

@testable import sluiced

@Suite struct ShippedConfigurationTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../config/sluiced.yaml").standardizedFileURL.path()

    @Test("config/sluiced.yaml has every key")
    func everyKey() throws {
        let keys = try SettingsFile(path: Self.path).entries.map(\.key)
        #expect(keys.count == SettingsKey.allCases.count)
        #expect(Set(keys) == Set(SettingsKey.allCases))
    }

    @Test("config/sluiced.yaml shows the defaults")
    func defaults() throws {
        #expect(try Settings(Options.parsing(["--config", Self.path]), environment: [:]) == Settings())
    }

    @Test("config/sluiced.yaml has an example of every kind of process")
    func processes() throws {
        let text = try String(contentsOfFile: Self.path, encoding: .utf8).replacing("\n  # - ", with: "\n  - ")
        let processes = try SettingsFile(path: Self.path, text: text).processes
        #expect(processes.map(\.work.kind) == BuiltInProcess.Kind.allCases)
    }

    @Test("config/sluiced.yaml has a comment above every key")
    func comments() throws {
        let lines = try String(contentsOfFile: Self.path, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        for (above, line) in zip(lines, lines.dropFirst()) where line.contains(/^\s*[a-z-]+:/) {
            #expect(above.contains(/^\s*# \S/), "no comment above \(line)")
        }
    }
}
