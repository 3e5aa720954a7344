import CLibev
import Glibc

/// What a stream's descriptor is, which decides about the system calls.
enum StreamMedium: UInt8, Sendable {
    case socket
    /// A pipe that does not block.
    case pipe
    /// A descriptor that other processes use too, such as standard input, so that it may block. It is read only when the
    /// kernel says that there is something to read.
    case sharedFile

    /// Reads without blocking. `buffer` must not be empty.
    @inline(__always)
    func tryRead(_ number: Int32, into buffer: UnsafeMutableRawBufferPointer) -> ReadAttempt {
        if case .socket = self { return Socket.tryRead(number, into: buffer) }
        return ReadAttempt(Socket.uninterrupted { Glibc.read(number, buffer.baseAddress, buffer.count) })
    }

    /// Writes without blocking. `bytes` must not be empty.
    @inline(__always)
    func tryWrite(_ number: Int32, _ bytes: UnsafeRawBufferPointer) -> WriteAttempt {
        if case .socket = self { return Socket.tryWrite(number, bytes) }
        return WriteAttempt(Socket.uninterrupted { Glibc.write(number, bytes.baseAddress, bytes.count) })
    }
}

/// The two ends of a new pipe.
struct PipeEnds: ~Copyable {
    let reading: Descriptor
    let writing: Descriptor

    /// Makes a pipe that blocks, and that child processes do not inherit.
    init() throws(SluiceError) {
        var ends: (Int32, Int32) = (-1, -1)
        let status = withUnsafeMutableBytes(of: &ends) { ends in
            pipe2(ends.baseAddress?.assumingMemoryBound(to: Int32.self), O_CLOEXEC)
        }
        guard status == 0 else { throw SluiceError(system: errno, "cannot make a pipe") }
        reading = Descriptor(owning: ends.0)
        writing = Descriptor(owning: ends.1)
    }
}

extension Stream {
    /// Returns a stream that reads the standard input of the process, whether that is a terminal, a pipe or a file.
    ///
    /// Other readers of standard input take bytes from this one, and the other way round. Writing fails.
    ///
    /// - Parameter reactor: the reactor whose tasks read; nil for that of the calling task.
    /// - Throws: `.misuse` off the reactors if `reactor` is nil; `.system` when standard input is closed.
    public static func standardInput(on reactor: Reactor? = nil) throws(SluiceError) -> Stream {
        let reactor = try Reactor.given(reactor, for: "standard input")
        let number = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
        guard number >= 0 else { throw SluiceError(system: errno, "cannot read standard input") }
        return Stream(Descriptor(owning: number), .sharedFile, called: "standard input", on: reactor)
    }
}
