import Foundation
import SluiceRuntime
import Synchronization

/// A server process that was started for a comparison, on a free port of the loopback interface.
final class StartedServer {
    let address: ServerAddress
    /// The address of the server's Unix socket; nil for servers without one.
    let unixAddress: ServerAddress?
    let server: ServerProcess
    private let process: Process
    private let directory: String?

    /// Starts the server, and returns when it accepts connections.
    ///
    /// - Parameter certificate: the server's certificate; nil for a server without TLS.
    init(_ program: ServerProgram, executable: String, certificate: ThrowawayCertificate? = nil) throws(LoadFailure) {
        let port = try Self.freePort()
        let arguments: [String]
        if let certificate {
            address = try Self.address(of: program, port, certificate)
            let directory = try Self.makeTemporaryDirectory()
            let path = "\(directory)/sluiced.yaml"
            do {
                try program.tlsConfiguration(port: port, certificate).write(
                    toFile: path, atomically: false, encoding: .utf8)
            } catch { throw LoadFailure("cannot write \(path): \(error.localizedDescription)") }
            (self.directory, unixAddress) = (directory, nil)
            arguments = program.arguments(tlsPort: port, certificate, configurationPath: path)
        } else {
            address = try ServerAddress(port: port)
            directory = program.hasUnixSocket ? try Self.makeTemporaryDirectory() : nil
            let socketPath = directory.map { "\($0)/socket" }
            unixAddress = try socketPath.map { path throws(LoadFailure) in try ServerAddress("unix:\(path)") }
            arguments = program.arguments(port: port, socketPath: socketPath)
        }
        process = Process()
        // With setpriv, the kernel ends the child with its parent, even if that is killed.
        if let setpriv = Self.path(of: "setpriv") {
            process.executableURL = URL(fileURLWithPath: setpriv)
            process.arguments = ["--pdeathsig", "KILL", executable] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: executable)
            process.arguments = arguments
        }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch {
            throw LoadFailure("cannot start \(executable): \(error.localizedDescription)")
        }
        server = ServerProcess(process.processIdentifier)
        ChildProcesses.shared.add(process.processIdentifier, directory: directory)
        try awaitConnections(executable)
    }

    deinit { end() }

    /// Ends the process and removes its socket.
    func end() {
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        ChildProcesses.shared.remove(process.processIdentifier)
        if let directory { try? FileManager.default.removeItem(atPath: directory) }
    }

    /// Returns the address for a transport.
    func address(over transport: RowDefinition.Transport) throws(LoadFailure) -> ServerAddress {
        switch transport {
        case .tcp, .tls: return address
        case .unixSocket:
            guard let unixAddress else { throw LoadFailure("the server does not support Unix sockets") }
            return unixAddress
        }
    }

    private static func address(
        of program: ServerProgram, _ port: UInt16, _ certificate: ThrowawayCertificate
    ) throws(LoadFailure) -> ServerAddress {
        var options = TLSClientContext.Options()
        options.authoritiesPath = certificate.authorityPath
        return try ServerAddress("127.0.0.1:\(port)", of: program, tls: options)
    }

    private func awaitConnections(_ executable: String) throws(LoadFailure) {
        let deadline = MonotonicClock.nowNanoseconds + 10_000_000_000
        while MonotonicClock.nowNanoseconds < deadline {
            guard process.isRunning else { throw LoadFailure("\(executable) ended right after its start") }
            if Self.acceptsConnections(address), unixAddress.map(Self.acceptsConnections) ?? true { return }
            usleep(10_000)
        }
        end()
        throw LoadFailure("\(executable) accepts no connections 10 s after its start")
    }

    private static func acceptsConnections(_ address: ServerAddress) -> Bool {
        guard let descriptor = try? address.startConnecting() else { return false }
        defer { close(descriptor) }
        var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&watched, 1, 1000) == 1 && watched.revents & Int16(POLLERR | POLLHUP) == 0
    }

    /// Returns a port of the loopback interface that is not in use.
    private static func freePort() throws(LoadFailure) -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutableBytes(of: &address) { raw in
            raw.withMemoryRebound(to: sockaddr.self) { address in
                bind(descriptor, address.baseAddress, size) == 0
                    ? getsockname(descriptor, address.baseAddress, &size) : -1
            }
        }
        guard result == 0 else { throw LoadFailure(system: errno, "cannot find a free port") }
        return UInt16(bigEndian: address.sin_port)
    }

    /// Creates a directory that only this user can enter.
    private static func makeTemporaryDirectory() throws(LoadFailure) -> String {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/sluice-load-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw LoadFailure(system: errno, "cannot create a directory") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Returns where PATH has an executable; nil when it has none.
    static func path(of executable: String) -> String? {
        let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return directories.map { "\($0)/\(executable)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// The processes that this process started. They end with it, also when a signal ends it.
final class ChildProcesses: Sendable {
    static let shared = ChildProcesses()

    /// The directory to remove with each process, by its identifier.
    private let directories = Lock<[Int32: String?]>([:])

    private let certificate = Lock<ThrowawayCertificate?>(nil)

    /// Removes the certificate's files when a signal ends this process.
    func removeAtEnd(_ certificate: ThrowawayCertificate) { self.certificate.withLock { $0 = certificate } }

    func add(_ pid: Int32, directory: String?) { _ = directories.withLock { $0.updateValue(directory, forKey: pid) } }
    func remove(_ pid: Int32) { _ = directories.withLock { $0.removeValue(forKey: pid) } }

    /// Ends the children first when a signal ends this process.
    ///
    /// Must be called before other threads start: they inherit that these signals are blocked.
    func guardAgainstSignals() {
        let ending = [SIGINT, SIGTERM, SIGHUP]
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in ending { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        Thread.detachNewThread { [self] in
            var number: Int32 = 0
            var awaited = sigset_t()
            sigemptyset(&awaited)
            for number in ending { sigaddset(&awaited, number) }
            sigwait(&awaited, &number)
            certificate.withLock { $0?.remove() }
            directories.withLock { directories in
                for (pid, directory) in directories {
                    kill(pid, SIGKILL)
                    if let directory { try? FileManager.default.removeItem(atPath: directory) }
                }
            }
            _exit(128 + number)
        }
    }
}
