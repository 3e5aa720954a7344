import Foundation
import SluiceRuntime
import Synchronization

/// A server that is started for a comparison, and ended with it.
final class PeerProcess {
    let address: ServerAddress
    let server: ServerProcess
    private let process: Process

    /// Starts it and waits until it takes connections.
    init(_ contender: ContenderServer, program: String, arguments more: [String] = []) throws(LoadFailure) {
        let port = try Self.freePort()
        address = try ServerAddress(port: port)
        process = Process()
        // Where that is at hand, the kernel ends the child with its parent, even if that is killed.
        if let guardian = Self.path(of: "setpriv") {
            process.executableURL = URL(fileURLWithPath: guardian)
            process.arguments = ["--pdeathsig", "KILL", program] + contender.arguments(port: port) + more
        } else {
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = contender.arguments(port: port) + more
        }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { throw LoadFailure("cannot start \(program): \(error.localizedDescription)") }
        server = ServerProcess(process.processIdentifier)
        Offspring.shared.add(process.processIdentifier)
        try awaitConnections(program)
    }

    deinit { end() }

    func end() {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        Offspring.shared.remove(process.processIdentifier)
    }

    private func awaitConnections(_ program: String) throws(LoadFailure) {
        let deadline = MonotonicClock.nowNanoseconds + 10_000_000_000
        while MonotonicClock.nowNanoseconds < deadline {
            guard process.isRunning else { throw LoadFailure("\(program) has ended as soon as it was started") }
            if Self.takesConnections(address) { return }
            usleep(10_000)
        }
        end()
        throw LoadFailure("\(program) takes no connections")
    }

    private static func takesConnections(_ address: ServerAddress) -> Bool {
        guard let descriptor = try? address.connecting() else { return false }
        defer { close(descriptor) }
        var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&watched, 1, 1000) == 1 && watched.revents & Int16(POLLERR | POLLHUP) == 0
    }

    /// A port of the loopback interface on which nobody listens.
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
        guard result == 0 else { throw LoadFailure(system: errno, "there is no free port") }
        return UInt16(bigEndian: address.sin_port)
    }

    /// Where a program is, by PATH.
    static func path(of program: String) -> String? {
        let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return directories.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// The processes that this one has started: they end with it, also when a signal ends it.
final class Offspring: Sendable {
    static let shared = Offspring()

    private let pids = Lock<Set<Int32>>([])

    func add(_ pid: Int32) { _ = pids.withLock { $0.insert(pid) } }
    func remove(_ pid: Int32) { _ = pids.withLock { $0.remove(pid) } }

    /// From here on signals that would end the process end its children first. To be called before there are threads: they
    /// inherit that the signals are for the one that waits for them.
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
            pids.withLock { for pid in $0 { kill(pid, SIGKILL) } }
            _exit(128 + number)
        }
    }
}
