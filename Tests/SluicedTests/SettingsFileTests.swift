import Foundation
import Testing

@testable import sluiced

@Suite struct SettingsFileTests {
    @Test("The configuration file yields each key with its text and line")
    func entries() throws {
        let file = try SettingsFile(
            path: "s.yaml",
            text: """
                # a comment
                log-level: debug
                listen:
                  - localhost:1
                  - "[::1]:2"
                limits:
                  line-bytes: 1000
                """)
        #expect(
            file.entries == [
                SettingsEntry(key: .logLevel, origin: .file(path: "s.yaml", line: 2), texts: ["debug"]),
                SettingsEntry(
                    key: .listen, origin: .file(path: "s.yaml", line: 3), texts: ["localhost:1", "[::1]:2"],
                    items: [ListenerEntry(address: "localhost:1"), ListenerEntry(address: "[::1]:2")]),
                SettingsEntry(key: .lineBytes, origin: .file(path: "s.yaml", line: 7), texts: ["1000"]),
            ])
    }

    @Test(
        "A configuration file can be empty",
        arguments: ["", "# only a comment\n", "limits:\n  # line-bytes: 1\n", "---\n"])
    func nothing(text: String) throws {
        #expect(try SettingsFile(path: "s.yaml", text: text).entries.isEmpty)
    }

    @Test("The key listen takes a single address without a list")
    func singleAddress() throws {
        #expect(try SettingsFile(path: "s.yaml", text: "listen: localhost:1").entries.first?.texts == ["localhost:1"])
    }

    @Test(
        "A file that is not YAML, or has another shape, gives an error with the line",
        arguments: [
            ("log-level: info\nlisten: [", "2: while parsing a flow node, did not find expected node content"),
            ("log-level info\nlisten: localhost:1", "1: mapping values are not allowed in this context"),
            ("listen: a: b", "1: mapping values are not allowed in this context"),
            ("limits:\n  a: 1\n    b: 2", "3: mapping values are not allowed in this context"),
            ("a: 1\nb: \"x\nc: 2\n\n", "2: while scanning a quoted scalar, found unexpected end of stream"),
            ("limits:\n  a: [1, 2\n\nb: 3\n", "2: while parsing a flow sequence, did not find expected ',' or ']'"),
            ("limits:\n  a: 1\n b: 2\n", "3: while parsing a block mapping, did not find expected key"),
            ("a: éééééééééé\nb: 1\nc: \u{2}\nd: 1\n", "3: control characters are not allowed"),
            ("a: {b: 1\n# end\n\n", "1: while parsing a flow mapping, did not find expected ',' or '}'"),
            ("a: \"", "1: while scanning a quoted scalar, found unexpected end of stream"),
            ("a: é\nb: \u{2}", "2: control characters are not allowed"),
            ("a: *nowhere", "1: found undefined alias"),
            ("a: 1\n---\nb: 1", "2: expected a single document in the stream, but found another document"),
            ("limits:\n  a: 1\n  a: 2", "2: the group of keys that begins here sets \"a\" twice"),
            ("- listen", "1: the file must contain keys with values, as in log-level: info"),
            ("sluiced", "1: the file must contain keys with values, as in log-level: info"),
            ("[a]: 1", "1: a key must be a word"),
            ("limits: 3", "1: limits: it takes keys, not a value"),
            ("log-level:", "1: log-level: it has no value"),
            ("log-level: [info]", "1: log-level: it takes one value, not a list"),
            ("log-level: {info: 1}", "1: log-level: it takes a value, not keys"),
            ("listen: []", "1: listen: the list is empty"),
            ("listen:\n  - - a", "1: listen: each item must be an address, or keys in braces such as {address: …}"),
            ("limits.line-bytes: 600\nlimits:\n  line-bytes: 700", "3: limits.line-bytes: it is set twice"),
        ])
    func malformed(text: String, message: String) {
        #expect(throws: SettingsError("s.yaml:\(message)", status: .configuration)) {
            try SettingsFile(path: "s.yaml", text: text)
        }
    }

    @Test(
        "An unknown key gives an error with its line and the nearest known key",
        arguments: [
            ("lissen: localhost:1", "1: unknown key \"lissen\"; did you mean \"listen\"?"),
            ("log_level: info", "1: unknown key \"log_level\"; did you mean \"log-level\"?"),
            ("\n\nline-bytes: 1", "3: unknown key \"line-bytes\"; did you mean \"limits.line-bytes\"?"),
            ("limits:\n  body: 1", "2: unknown key \"limits.body\"; did you mean \"limits.body-bytes\"?"),
            ("proceses: []", "1: unknown key \"proceses\"; did you mean \"processes\"?"),
            ("limit:\n  line-bytes: 1", "1: unknown key \"limit\"; did you mean \"limits\"?"),
        ])
    func unknownKey(text: String, message: String) {
        #expect(throws: SettingsError("s.yaml:\(message)", status: .configuration)) {
            try SettingsFile(path: "s.yaml", text: text)
        }
    }

    @Test("An unknown key that resembles no known key gives an error that lists them all")
    func unknownKeyWithoutNeighbour() throws {
        let error = try #require(throws: SettingsError.self) { try SettingsFile(path: "s.yaml", text: "colour: 1") }
        for key in SettingsKey.allCases {
            #expect(error.message.contains(key.rawValue))
        }
        #expect(error.message.contains(", processes"))
    }

    @Test("A file that cannot be read gives an error with its path and the cause")
    func unreadable() {
        #expect(throws: SettingsError("cannot read \"/nowhere/s.yaml\": No such file or directory", status: .noInput)) {
            try SettingsFile(path: "/nowhere/s.yaml")
        }
        #expect(throws: SettingsError("cannot read \"/\": Is a directory", status: .noInput)) {
            try SettingsFile(path: "/")
        }
    }

    @Test("A file without permission and an input error have exit statuses of their own")
    func readFailures() {
        #expect(ExitStatus(readFailure: EACCES) == .noPermission)
        #expect(ExitStatus(readFailure: EIO) == .inputOutput)
    }

    @Test("A file that is not UTF-8 is refused")
    func notUTF8() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "sluiced-\(UUID()).yaml").path()
        try Data([0x61, 0x3A, 0xFF]).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: SettingsError("\(path): the file is not UTF-8 text", status: .configuration)) {
            try SettingsFile(path: path)
        }
    }
}
