import Foundation
import SluiceHub
import Testing

@testable import sluiced

@Suite("config/sluiced.yaml")
struct ShippedConfigurationTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../config/sluiced.yaml").standardizedFileURL.path()

    @Test("has every key")
    func everyKey() throws {
        let keys = try SettingsFile(path: Self.path).entries.map(\.key)
        #expect(keys.count == SettingsKey.allCases.count)
        #expect(Set(keys) == Set(SettingsKey.allCases))
    }

    @Test("says what the defaults are")
    func defaults() throws {
        #expect(try Settings(Options.parsing(["--config", Self.path]), environment: [:]) == Settings())
    }

    @Test("has an example of every process")
    func processes() throws {
        let text = try String(contentsOfFile: Self.path, encoding: .utf8).replacing("\n  # - ", with: "\n  - ")
        let processes = try SettingsFile(path: Self.path, text: text).processes
        #expect(processes.map(\.work.kind) == BuiltInProcess.Kind.allCases)
    }

    @Test("has a comment above every key")
    func comments() throws {
        let lines = try String(contentsOfFile: Self.path, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        for (above, line) in zip(lines, lines.dropFirst()) where line.contains(/^\s*[a-z-]+:/) {
            #expect(above.contains(/^\s*# \S/), "no comment above \(line)")
        }
    }
}
