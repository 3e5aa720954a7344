import Foundation
import Synchronization
import Testing

/// A running `sluiced` of this build, with a port of its own.
struct Daemon {
    let program: Program
    /// The ready lines that it has printed, one for each listener.
    let readyLines: [String]

    /// Starts the daemon and waits until it is ready.
    init(
        _ arguments: [String] = ["--listen", "127.0.0.1:0"], listeners: Int = 1, environment: [String: String] = [:],
        descriptors: Int? = nil
    ) throws {
        program = try Self.start(arguments, environment: environment, descriptors: descriptors)
        let program = program
        readyLines = try (0..<listeners).map { _ in try #require(try program.line(), "the daemon did not become ready")
        }
    }

    /// Starts the daemon without waiting for anything.
    ///
    /// - Parameter descriptors: the limit on its descriptors; nil for the same as the test's.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], descriptors: Int? = nil
    ) throws -> Program {
        let path = try builtProgram("sluiced")
        guard let descriptors else { return try Program(path, arguments, environment: environment) }
        let script = "ulimit -n \(descriptors) && exec \"$0\" \"$@\""
        return try Program("/bin/sh", ["-c", script, path] + arguments, environment: environment)
    }

    /// Returns the path of a program of this build.
    static func builtProgram(_ name: String) throws -> String {
        // The test runner is in the directory of the built programs.
        let directory = try URL(
            fileURLWithPath: FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        )
        .deletingLastPathComponent()
        return directory.appendingPathComponent(name).path
    }

    /// The port of the first listener.
    var port: String {
        get throws {
            let line = try #require(readyLines.first)
            try #require(line.hasPrefix("ready tcp=127.0.0.1:"))
            return String(line.split(separator: ":")[1])
        }
    }

    /// Starts a netcat that is connected to the daemon.
    func netcat(_ flags: String...) throws -> Program {
        try Program("/usr/bin/env", ["nc"] + flags + ["127.0.0.1", try port])
    }

    /// Sends `input` and the end of input through netcat, and returns all output.
    func conversation(_ input: String, _ flags: String...) throws -> String {
        let netcat = try Program("/usr/bin/env", ["nc"] + flags + ["127.0.0.1", try port])
        try netcat.say(input)
        try netcat.closeInput()
        return try netcat.rest()
    }

    /// Sends a signal, and checks the daemon's exit status.
    func expectEnd(after signal: Int32, status: Int32 = 0) throws {
        program.send(signal: signal)
        #expect(try program.status() == status)
    }
}

/// A file that only its owner can read, deleted with this object.
final class TemporaryFile {
    let path: String

    init(_ name: String, containing text: String) {
        path = temporaryPath("\(UUID())-\(name)")
        _ = FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Returns a path that no other test uses.
func temporaryPath(_ name: String) -> String {
    "/tmp/sluice-integration-\(getpid())-\(temporaryPaths.add(1, ordering: .relaxed).newValue)-\(name)"
}

/// The number of paths so far. Tests that run at the same time must not share one.
private let temporaryPaths = Atomic<Int>(0)

/// Evaluates `condition` again and again until it holds; fails the test after 30 seconds.
func waitUntil(_ condition: () throws -> Bool, location: SourceLocation = #_sourceLocation) throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try !condition() {
        try #require(ContinuousClock.now < deadline, "the condition does not come true", sourceLocation: location)
    }
}
