import Foundation
import Glibc
import SluiceRuntime

/// Runs programs, and reports how each has ended. On the reactor's thread only.
final class Children: @unchecked Sendable {
    // Sendable: see above.

    private let reactor: Reactor
    private var running: [pid_t: (Int32) -> Void] = [:]

    init(on reactor: Reactor) throws(SluiceError) {
        self.reactor = reactor
        let signals = try reactor.signals(SIGCHLD)
        reactor.spawn("ends of programs") { [self] in
            while true {
                _ = try await signals.next()
                reap()
            }
        }
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: its name first, which is looked up in the PATH.
    ///   - input: its standard input; nil shares that of this process.
    ///   - output: its standard output; nil shares that of this process.
    ///   - ownGroup: whether it leads a process group of its own. Then a signal to the group reaches every process that it
    ///     starts, and the terminal's ctrl-C does not reach it directly.
    ///   - ended: called with its status as a shell reports it: 128 plus the number of the signal that ended it.
    /// - Returns: its process id.
    /// - Throws: `Failure` when the program does not exist or cannot be run.
    func start(
        _ arguments: [String], environment: [String] = [], input: MessageFile? = nil, output: MessageFile? = nil,
        ownGroup: Bool,
        ended: @escaping (Int32) -> Void
    ) throws(Failure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input { posix_spawn_file_actions_adddup2(&actions, input.number, STDIN_FILENO) }
        if let output { posix_spawn_file_actions_adddup2(&actions, output.number, STDOUT_FILENO) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        Self.restoreSignals(of: &attributes, ownGroup: ownGroup)

        let name = arguments.first ?? ""
        let words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let names = Set(environment.map { $0.prefix { $0 != "=" } })
        let inherited = ProcessInfo.processInfo.environment.filter { !names.contains($0.key[...]) }
            .map { "\($0)=\($1)" }
        let variables = (inherited + environment).map { strdup($0) } + [nil]
        defer { for variable in variables { free(variable) } }

        var process: pid_t = 0
        let status = posix_spawnp(&process, name, &actions, &attributes, words, variables)
        guard status == 0 else { throw Failure("cannot run \(name): \(String(cString: strerror(status)))") }
        running[process] = ended
        return process
    }

    /// Starts the program with default signals. It would inherit that the reactor ignores SIGPIPE.
    private static func restoreSignals(of attributes: inout posix_spawnattr_t, ownGroup: Bool) {
        var usual = sigset_t()
        sigemptyset(&usual)
        sigaddset(&usual, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        if ownGroup {
            posix_spawnattr_setpgroup(&attributes, 0)
            flags |= POSIX_SPAWN_SETPGROUP
        }
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    private func reap() {
        for process in running.keys {
            var status: Int32 = 0
            guard waitpid(process, &status, WNOHANG) == process else { continue }
            let signal = status & 0x7F
            running.removeValue(forKey: process)?(signal == 0 ? status >> 8 & 0xFF : 128 + signal)
        }
    }
}

/// A message as an unnamed file, which a program may read whenever it wants. A write to the pipe of a program that does not
/// read would wait.
final class MessageFile {
    private let descriptor: Descriptor

    var number: Int32 { descriptor.number }

    init(_ bytes: [UInt8]) throws(Failure) {
        // In memory, if possible.
        let directory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var path = Array("\(directory)/sluice-message-XXXXXX".utf8CString)
        let number = mkstemp(&path)
        guard number >= 0 else { throw Self.failure() }
        descriptor = Descriptor(owning: number)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        unlink(path)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw Self.failure() }
            rest = rest.dropFirst(max(count, 0))
        }
        lseek(number, 0, SEEK_SET)
    }

    /// Returns what a program has written to the file.
    ///
    /// - Parameter withoutLineFeed: whether a line feed at its end is left out.
    /// - Throws: `Failure` when that is longer than `maxBytes`.
    func contents(atMost maxBytes: Int, withoutLineFeed: Bool) throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: maxBytes + 2)
        var count = 0
        while count < bytes.count {
            let read = bytes.withUnsafeMutableBytes {
                pread(number, $0.baseAddress.map { $0 + count }, $0.count - count, off_t(count))
            }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw Failure("cannot read the answer: \(String(cString: strerror(errno)))") }
            if read == 0 { break }
            count += read
        }
        bytes.removeLast(bytes.count - count)
        if withoutLineFeed, bytes.last == 0x0A { bytes.removeLast() }
        guard bytes.count <= maxBytes else {
            throw Failure("the answer of a command is longer than \(maxBytes) bytes, the limit of the hub")
        }
        return bytes
    }

    private static func failure() -> Failure {
        Failure("cannot keep a message for the command: \(String(cString: strerror(errno)))")
    }
}
