import Foundation
import Glibc
import SluiceRuntime

extension Subprocess {
    /// Starts a program with the environment of this process and further variables.
    ///
    /// - Parameters:
    ///   - arguments: its name first, which is looked up in the PATH.
    ///   - variables: they replace those of the same names.
    ///   - input: its standard input; nil shares that of this process.
    ///   - output: its standard output; nil shares that of this process.
    ///   - leadsGroup: whether it leads a process group of its own. Then a signal reaches every process that it starts,
    ///     and the terminal's ctrl-C does not reach it directly.
    /// - Throws: `Failure` when the program does not exist or cannot be run.
    static func start(
        _ arguments: [String], adding variables: [String: String], input: MessageFile? = nil,
        output: MessageFile? = nil, leadsGroup: Bool = false, on reactor: Reactor
    ) throws(Failure) -> Subprocess {
        // This process may have inherited that the signal is ignored. Then the kernel would discard the program's status.
        _ = Glibc.signal(SIGCHLD, SIG_DFL)
        var options = Options(
            input: input.map { .descriptor($0.number) } ?? .inherited,
            output: output.map { .descriptor($0.number) } ?? .inherited)
        options.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        options.leadsGroup = leadsGroup
        do throws(SluiceError) {
            return try start(arguments, options, on: reactor)
        } catch {
            let reason = error.errno == 0 ? error.message : String(cString: strerror(error.errno))
            throw Failure("cannot run \(arguments.first ?? ""): \(reason)")
        }
    }
}

extension Subprocess.ExitStatus {
    /// The status as a shell reports it: 128 plus the number of the signal that ended the program.
    var shellStatus: Int32 {
        switch self {
        case .exited(let status): status
        case .killed(let signal): 128 + signal
        }
    }
}

/// A message as an unnamed file, which a program may read whenever it wants. A write to the pipe of a program that does not
/// read would wait.
final class MessageFile: Sendable {
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
