import Foundation
import TestSupport
import Testing

extension Daemon {
    /// The directory of the programs that were built with the tests.
    private static var directory: URL {
        get throws {
            try URL(fileURLWithPath: FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
                .deletingLastPathComponent()
        }
    }

    private var environment: [String: String] {
        get throws {
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            return ["SLUICE_ADDRESS": "127.0.0.1:\(try port)", "PATH": "\(try Self.directory.path):\(path)"]
        }
    }

    /// Starts the `sluice` of this build as a client of this daemon.
    func sluice(_ arguments: String...) throws -> Program { try sluice(arguments) }

    func sluice(_ arguments: [String]) throws -> Program {
        try Program(Self.directory.appendingPathComponent("sluice").path, arguments, environment: environment)
    }

    /// Starts the `sluice` of this build, whose arguments name the hub.
    static func sluice(_ arguments: [String]) throws -> Program {
        try Program(Self.directory.appendingPathComponent("sluice").path, arguments)
    }

    /// Starts a shell script in which `sluice` is that of this build, and a client of this daemon.
    func shell(_ script: String) throws -> Program {
        let shell = try Program("/usr/bin/env", ["bash", "-c", script], environment: environment)
        try shell.closeInput()
        return shell
    }

    /// Starts a shell script on a terminal; see `shell`.
    func terminal(_ script: String) throws -> Program {
        try Program(
            "/usr/bin/env", ["script", "-qec", script, "/dev/null"],
            environment: try environment.merging(["SHELL": "/bin/sh"]) { $1 })
    }

    /// Waits until so many operations are parked at the daemon.
    ///
    /// - Parameter programs: programs with an operation each, which need not be parked once they have ended.
    func waitUntilParked(
        _ count: Int, orEnded programs: [Program] = [], location: SourceLocation = #_sourceLocation
    ) throws {
        let observer = try LineSocket(port: port)
        defer { observer.close() }
        let areParked = try spin {
            _ = try observer.answer(to: "info format=json")
            let report = try #require(try observer.line())
            return (0...programs.count { !$0.isRunning }).contains { report.contains(#""parked":\#(count - $0),"#) }
        }
        #expect(areParked, "\(count) operations are not parked", sourceLocation: location)
    }

    /// Runs a script, and checks its output.
    func expect(_ output: String, of script: String, location: SourceLocation = #_sourceLocation) throws {
        let shell = try shell(script)
        #expect(try shell.rest() == output, sourceLocation: location)
        _ = try shell.status()
    }

    /// Runs `sluice`, and checks its exit status and its complaint.
    func expect(
        status: Int32, _ message: String = "", of arguments: String..., location: SourceLocation = #_sourceLocation
    ) throws {
        let program = try Program(
            Self.directory.appendingPathComponent("sluice").path, arguments, environment: environment)
        try program.closeInput()
        let errors = try program.errorOutput()
        #expect(try program.status() == status, sourceLocation: location)
        #expect(message.isEmpty || errors.contains(message), sourceLocation: location)
        #expect(errors.isEmpty || errors.hasPrefix("sluice: "), sourceLocation: location)
        #expect(errors.count { $0.isNewline } <= 1, sourceLocation: location)
    }
}
