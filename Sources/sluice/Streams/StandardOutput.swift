import Dispatch
import Foundation
import Glibc
import SluiceRuntime

/// Standard output. A thread writes to it, because its reader may be slow, and leases must be renewed meanwhile.
final class StandardOutput: @unchecked Sendable {
    // Sendable: the semaphore hands `work` to the writing thread, and the reactor's mailbox hands it back. Everything else
    // belongs to the reactor's thread.

    private let reactor: Reactor
    private let gate: Gate
    private let bell = DispatchSemaphore(value: 0)
    private var work: [UInt8] = []
    private var isWriting = false
    private var error: Int32 = 0

    init(on reactor: Reactor) {
        self.reactor = reactor
        gate = Gate("standard output", on: reactor)
        Thread.detachNewThread { [self] in serve() }
    }

    private func serve() {
        while true {
            bell.wait()
            let error = Self.writeAll(work)
            reactor.post { [self] in
                self.error = error
                isWriting = false
                gate.open()
            }
        }
    }

    private static func writeAll(_ bytes: [UInt8]) -> Int32 {
        bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                let count = Glibc.write(STDOUT_FILENO, rest.baseAddress, rest.count)
                if count > 0 {
                    written += count
                } else if errno == EAGAIN {
                    // Another program that shares it has made it non-blocking.
                    var watched = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                    poll(&watched, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }

    /// Writes all the bytes. For one task at a time.
    ///
    /// - Throws: `BrokenPipe` when it has no reader any more; `Failure`.
    func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        work = bytes
        isWriting = true
        bell.signal()
        while isWriting { try await gate.wait() }
        switch error {
        case 0: return
        case EPIPE: throw BrokenPipe()
        default: throw Failure("cannot write to standard output: \(String(cString: strerror(error)))")
        }
    }

    /// Calls `onEnd` as soon as the pipe that is standard output has no reader: before there is something to write, which
    /// would be lost then. Does nothing if standard output is not a pipe.
    func watch(_ onEnd: @escaping @Sendable () -> Void) {
        var status = stat()
        guard fstat(STDOUT_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return }
        let copy = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return }
        let pipe = Stream(Descriptor(owning: copy), to: .unix(path: ""), on: reactor)
        reactor.spawn("reader of standard output") {
            // The writing end of a pipe becomes readable only when there is an error.
            try await pipe.waitReadable()
            onEnd()
        }
    }
}

/// Standard output has no reader any more.
struct BrokenPipe: Error {}
