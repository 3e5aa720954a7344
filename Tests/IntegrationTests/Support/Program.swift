import Foundation
import Testing

/// A program that runs beside the test, which controls its standard streams.
final class Program {
    /// How long to wait for output before the test fails; output normally comes within a second.
    private static let timeoutMilliseconds: Int32 = 30_000

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()
    /// The bytes of standard output and standard error that were read and not yet returned.
    private var pending = Data()
    private var pendingErrors = Data()
    private let exit = DispatchSemaphore(value: 0)

    init(_ path: String, _ arguments: [String] = [], environment: [String: String] = [:]) throws {
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        // Writing to a program that has ended must not kill the test.
        signal(SIGPIPE, SIG_IGN)
        // A program inherits ignored signals, and a shell starts background jobs with SIGINT ignored.
        signal(SIGINT, SIG_DFL)
        process.terminationHandler = { [exit] _ in exit.signal() }
        try process.run()
    }

    // The program ends with the test, at the latest.
    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    var isRunning: Bool { process.isRunning }
    var identifier: Int32 { process.processIdentifier }

    // MARK: Input and output

    func say(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }
    func closeInput() throws { try input.fileHandleForWriting.close() }

    /// Returns the next line of standard output without its LF, or nil at the end.
    func line() throws -> String? { try line(of: output, \.pending) }

    /// Returns the next line of standard error without its LF, or nil at the end.
    func errorLine() throws -> String? { try line(of: errors, \.pendingErrors) }

    private func line(of pipe: Pipe, _ pending: ReferenceWritableKeyPath<Program, Data>) throws -> String? {
        while true {
            if let end = self[keyPath: pending].firstIndex(of: 0x0A) {
                defer { self[keyPath: pending] = Data(self[keyPath: pending][(end + 1)...]) }
                return String(decoding: self[keyPath: pending][..<end], as: UTF8.self)
            }
            guard let bytes = try read(pipe) else { return nil }
            self[keyPath: pending] += bytes
        }
    }

    /// Returns the rest of standard output.
    func rest() throws -> String {
        while let bytes = try read(output) { pending += bytes }
        defer { pending = Data() }
        return String(decoding: pending, as: UTF8.self)
    }

    /// Returns the rest of standard error.
    func errorOutput() throws -> String {
        var text = pendingErrors
        while let bytes = try read(errors) { text += bytes }
        return String(decoding: text, as: UTF8.self)
    }

    /// Waits for bytes; returns nil at the end.
    private func read(_ pipe: Pipe) throws -> Data? {
        var watched = pollfd(fd: pipe.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
        try #require(
            poll(&watched, 1, Self.timeoutMilliseconds) == 1,
            "\(process.arguments ?? []) printed nothing within 30 seconds")
        let bytes = pipe.fileHandleForReading.availableData
        return bytes.isEmpty ? nil : bytes
    }

    // MARK: Exit

    func send(signal number: Int32) { kill(process.processIdentifier, number) }

    /// Waits until the program has ended. Returns its exit status, or the negative number of the signal that killed it.
    func status() throws -> Int32 {
        _ = try rest()
        try #require(
            exit.wait(timeout: .now() + .milliseconds(Int(Self.timeoutMilliseconds))) == .success,
            "\(process.arguments ?? []) has closed its output and not ended within 30 seconds")
        exit.signal()
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
}
