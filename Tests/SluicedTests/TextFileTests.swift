import Foundation
import SluiceHub
import Testing

@testable import sluiced

/// The files that the daemon reads while it serves: none of them may hold it up.
@Suite struct TextFileTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "sluiced-\(UUID())").path()

    private func error() throws -> SettingsError {
        try #require(throws: SettingsError.self) { try TextFile.contents(of: path) }
    }

    @Test("A pipe, a device and a directory are refused, and not waited for")
    func onlyRegularFiles() throws {
        defer { unlink(path) }
        mkfifo(path, 0o600)
        #expect(try error().message.hasSuffix("it is not a regular file"))
        unlink(path)
        symlink("/dev/zero", path)
        #expect(try error().message.hasSuffix("it is not a regular file"))
        unlink(path)
        symlink("/", path)
        #expect(try error().message.hasSuffix("Is a directory"))
        #expect(try error().status == .noInput)
    }

    @Test("A file that is too large is refused")
    func sizeIsLimited() throws {
        defer { unlink(path) }
        try Data(count: TextFile.maxBytes).write(to: URL(filePath: path))
        #expect(try TextFile.contents(of: path).utf8.count == TextFile.maxBytes)
        try Data(count: TextFile.maxBytes + 1).write(to: URL(filePath: path))
        #expect(
            try error() == SettingsError("\(path): the file must have at most 1048576 bytes", status: .configuration))
    }

    @Test(
        "Only the daemon's user may read and write the users' file",
        arguments: [0o604, 0o602, 0o610, 0o620, 0o644, 0o660])
    func usersFilesArePrivate(mode: mode_t) throws {
        defer { unlink(path) }
        try Data("alice s3cret\n".utf8).write(to: URL(filePath: path))
        chmod(path, mode)
        let error = try #require(throws: SettingsError.self) { try UsersFile(path: path) }
        #expect(error.message.hasSuffix("run chmod 600 on the file"))
        chmod(path, 0o400)
        #expect(try UsersFile(path: path).principals.count == 1)
    }

    @Test("A group may read a users' file that root owns, and no other")
    func aGroupOfRootMayRead() throws {
        defer { unlink(path) }
        try Data("alice s3cret\n".utf8).write(to: URL(filePath: path))
        chmod(path, 0o640)
        #expect(((try? UsersFile(path: path)) != nil) == (geteuid() == 0))
    }

    @Test("A users' file of another owner is refused", .enabled(if: geteuid() == 0))
    func usersFilesBelongToTheDaemon() throws {
        defer { unlink(path) }
        try Data("alice s3cret\n".utf8).write(to: URL(filePath: path))
        chmod(path, 0o600)
        try #require(chown(path, 12_345, 12_345) == 0)
        let error = try #require(throws: SettingsError.self) { try UsersFile(path: path) }
        #expect(error.message.contains("user 12345 owns the file"))
    }

    @Test("A document that stands for too many values is refused, and not composed")
    func aliasBombs() {
        let lines = (0..<12).map {
            "a\($0): &a\($0) [\(Array(repeating: $0 == 0 ? "x" : "*a\($0 - 1)", count: 10).joined(separator: ","))]"
        }
        for text in [lines.joined(separator: "\n"), lines.joined(separator: "\n") + "\n? *a11\n: 1\n"] {
            #expect(
                throws: SettingsError(
                    "s:4: the file has more than 10000 values, with those of aliases", status: .configuration)
            ) {
                try SettingsFile(path: "s", text: text)
            }
        }
        #expect(throws: SettingsError("s:1: the values are nested more than 32 deep", status: .configuration)) {
            try SettingsFile(path: "s", text: "a: " + String(repeating: "[", count: 100))
        }
        #expect(throws: SettingsError.self) {
            try SettingsFile(path: "s", text: String(repeating: "- ", count: 100_000))
        }
        #expect(throws: Never.self) {
            try SettingsFile(path: "s", text: "listen: &a [localhost:1]\nlog-level: &b info\n")
        }
    }
}
