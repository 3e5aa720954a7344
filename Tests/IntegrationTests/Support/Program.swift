import Foundation
import Testing

/// A program that runs beside the test, with its standard streams in the test's hands. Ends with the test, at the latest.
final class Program {
    /// How long to wait for output before the test is given up; nothing here takes a second of it.
    private static let patienceMilliseconds: Int32 = 30_000

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()
    /// What was read of the output, and of standard error, and not handed out.
    private var pending = Data()
    private var pendingErrors = Data()

    init(_ path: String, _ arguments: [String] = [], environment: [String: String] = [:]) throws {
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        // The test must not die of a program that has ended before its input was written.
        signal(SIGPIPE, SIG_IGN)
        // What is ignored here stays so in what is started, as where a shell has started the tests in the background: a
        // shell's own trap for it would never spring.
        signal(SIGINT, SIG_DFL)
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    var identifier: Int32 { process.processIdentifier }

    // MARK: Talking

    func say(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }
    func closeInput() throws { try input.fileHandleForWriting.close() }

    /// The next line of standard output, without its end; nil at the end.
    func line() throws -> String? { try line(of: output, \.pending) }

    /// The next line of standard error, without its end; nil at the end.
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

    /// The rest of standard output.
    func rest() throws -> String {
        while let bytes = try read(output) { pending += bytes }
        defer { pending = Data() }
        return String(decoding: pending, as: UTF8.self)
    }

    /// All of standard error.
    func errorOutput() throws -> String {
        var text = pendingErrors
        while let bytes = try read(errors) { text += bytes }
        return String(decoding: text, as: UTF8.self)
    }

    /// Waits for bytes; nil at the end.
    private func read(_ pipe: Pipe) throws -> Data? {
        var watched = pollfd(fd: pipe.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
        try #require(poll(&watched, 1, Self.patienceMilliseconds) == 1, "\(process.arguments ?? []) says nothing")
        let bytes = pipe.fileHandleForReading.availableData
        return bytes.isEmpty ? nil : bytes
    }

    // MARK: Ending

    func send(signal number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end, which its closed output tells; the exit status, or the negative number of the signal.
    func status() throws -> Int32 {
        _ = try rest()
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
}
