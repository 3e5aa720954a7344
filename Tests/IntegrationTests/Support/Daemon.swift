import Foundation
import Testing

/// A `sluiced` of this build, on a port of its own.
struct Daemon {
    let program: Program
    /// What it has printed when it was ready: one line a listener.
    let readyLines: [String]

    /// Starts it and waits until it is ready.
    init(
        _ arguments: [String] = ["--listen", "127.0.0.1:0"], listeners: Int = 1, environment: [String: String] = [:],
        descriptors: Int? = nil
    ) throws {
        program = try Self.start(arguments, environment: environment, descriptors: descriptors)
        let program = program
        readyLines = try (0..<listeners).map { _ in try #require(try program.line(), "it did not become ready") }
    }

    /// Starts it, whatever comes of that.
    ///
    /// - Parameter descriptors: how many it may have; nil for as many as the test.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], descriptors: Int? = nil
    ) throws -> Program {
        // The tests run in the directory that holds what was built.
        let directory = try URL(
            fileURLWithPath: FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        )
        .deletingLastPathComponent()
        let path = directory.appendingPathComponent("sluiced").path
        guard let descriptors else { return try Program(path, arguments, environment: environment) }
        let script = "ulimit -n \(descriptors) && exec \"$0\" \"$@\""
        return try Program("/bin/sh", ["-c", script, path] + arguments, environment: environment)
    }

    /// The port of its first listener.
    var port: String {
        get throws {
            let line = try #require(readyLines.first)
            try #require(line.hasPrefix("ready tcp=127.0.0.1:"))
            return String(line.split(separator: ":")[1])
        }
    }

    /// A netcat that is connected with it.
    func netcat(_ flags: String...) throws -> Program {
        try Program("/usr/bin/env", ["nc"] + flags + ["127.0.0.1", try port])
    }

    /// Has it print whatever it does with `input`, which ends there.
    func conversation(_ input: String, _ flags: String...) throws -> String {
        let netcat = try Program("/usr/bin/env", ["nc"] + flags + ["127.0.0.1", try port])
        try netcat.say(input)
        try netcat.closeInput()
        return try netcat.rest()
    }

    /// Ends it with a signal, and checks how it has ended.
    func expectEnd(after signal: Int32, status: Int32 = 0) throws {
        program.send(signal: signal)
        #expect(try program.status() == status)
    }
}

/// A file that only its owner can read, for as long as it is referenced.
final class TemporaryFile {
    let path: String

    init(_ name: String, containing text: String) {
        path = temporaryPath("\(UUID())-\(name)")
        _ = FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A path that no other test uses.
func temporaryPath(_ name: String) -> String { "/tmp/sluice-integration-\(getpid())-\(name)" }
