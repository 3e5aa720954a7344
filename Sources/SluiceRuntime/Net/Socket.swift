import CLibev
import Glibc

/// The system calls on sockets, with errors instead of result codes. None of them blocks.
enum Socket {
    /// Creates a non-blocking socket for addresses like `address`. Child processes do not inherit it.
    static func open(
        for address: SocketAddress, _ kind: __socket_type = SOCK_STREAM
    ) throws(SluiceError) -> Descriptor {
        let flags = SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let number = socket(address.family, Int32(kind.rawValue | flags), 0)
        guard number >= 0 else { throw SluiceError(system: errno, "cannot make a socket for \(address)") }
        if address.port == nil { refuseDescriptors(on: number) }
        return Descriptor(owning: number)
    }

    /// Keeps the peers of a Unix-domain socket, and of those that are accepted on it, from passing descriptors. The
    /// kernel would close a passed descriptor on the thread that reads, and a peer can make that take hours: with
    /// `SO_LINGER`, or with a file system of its own. Linux before 6.16 cannot do this.
    static func refuseDescriptors(on number: Int32) { try? set(passesDescriptors, of: SOL_SOCKET, to: 0, on: number) }

    /// `SO_PASSRIGHTS`, which older headers do not define.
    static let passesDescriptors: Int32 = 83

    static func turnOn(_ option: Int32, of level: Int32, on number: Int32) throws(SluiceError) {
        try set(option, of: level, to: 1, on: number)
    }

    static func set(
        _ option: Int32, of level: Int32, to value: Int32, on number: Int32
    ) throws(SluiceError) {
        var value = value
        guard setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw SluiceError(system: errno, "cannot set an option of a socket")
        }
    }

    /// Makes a descriptor of another program like those of `open(for:)`.
    static func becomeNonBlocking(_ number: Int32) throws(SluiceError) {
        guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0, fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0
        else { throw SluiceError(system: errno, "cannot make descriptor \(number) non-blocking") }
    }

    /// Returns why nothing can be accepted on a descriptor. Nil if it is a stream socket that listens.
    static func problem(ofListening number: Int32) -> String? {
        guard fcntl(number, F_GETFD) >= 0 else { return "is not open" }
        guard let kind = get(SO_TYPE, of: number) else { return "is not a socket" }
        guard kind == Int32(SOCK_STREAM.rawValue) else { return "is not a stream socket" }
        guard get(SO_ACCEPTCONN, of: number) == 1 else {
            return "is a socket that does not listen; in a socket unit, use ListenStream and leave out Accept"
        }
        return nil
    }

    private static func get(_ option: Int32, of number: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(number, SOL_SOCKET, option, &value, &length) == 0 ? value : nil
    }

    /// Makes the kernel send each write at once. Sluice batches its writes, so that Nagle's algorithm would only add
    /// latency.
    static func sendAtOnce(_ number: Int32, to address: SocketAddress) throws(SluiceError) {
        guard address.port != nil else { return }
        try turnOn(TCP_NODELAY, of: Int32(IPPROTO_TCP), on: number)
    }

    /// Makes the kernel break off a TCP connection whose peer does not answer for `seconds`, or does not take what is
    /// sent to it, even while there is nothing to send. The kernel probes the peer after half of that time.
    static func limitSilence(of number: Int32, toSeconds seconds: Int) throws(SluiceError) {
        let seconds = Int32(clamping: min(max(seconds, 1), 65_534))
        let tcp = Int32(IPPROTO_TCP)
        try turnOn(SO_KEEPALIVE, of: SOL_SOCKET, on: number)
        try set(TCP_KEEPIDLE, of: tcp, to: max(seconds / 2, 1), on: number)
        try set(TCP_KEEPINTVL, of: tcp, to: max(seconds / 8, 1), on: number)
        // The time decides, not the number of probes.
        try set(TCP_USER_TIMEOUT, of: tcp, to: seconds * 1000, on: number)
    }

    /// Limits the unread input that the kernel keeps for a connected TCP socket.
    ///
    /// The limit is not set on the listener. Accepted sockets would inherit it from there, but would also agree with
    /// their peers on a window in units of 8 bytes instead of 1024. The window would then change with nearly every
    /// segment, which the peer's kernel handles on a slower path: a handoff took 4 % longer.
    static func limitReceiveBuffer(of number: Int32, toBytes bytes: Int) throws(SluiceError) {
        try set(SO_RCVBUF, of: SOL_SOCKET, to: Int32(clamping: bytes), on: number)
    }

    /// Makes `close` discard the output that the peer has not taken, and reset the connection. Without this, the kernel
    /// keeps the output for minutes if the peer does not read.
    static func discardOutputOnClose(of number: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(number, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Returns and clears the socket's pending error; 0 for none.
    static func pendingError(of number: Int32) -> Int32 {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno
    }

    /// Returns the user of the process at the other end of a Unix-domain socket.
    static func peerUser(of number: Int32) -> UInt32? {
        // `struct ucred`, which the header defines with `_GNU_SOURCE` only: the process, the user and the group.
        var credentials: InlineArray<3, UInt32> = [0, 0, 0]
        var length = socklen_t(MemoryLayout<InlineArray<3, UInt32>>.size)
        guard getsockopt(number, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return nil }
        return credentials[1]
    }

    static func localAddress(of number: Int32) -> SocketAddress? {
        SocketAddress.filled { getsockname(number, $0, $1) }.address
    }

    /// Reads without blocking. `buffer` must not be empty.
    @inline(__always)
    static func tryRead(_ number: Int32, into buffer: UnsafeMutableRawBufferPointer) -> ReadAttempt {
        ReadAttempt(uninterrupted { clibev_recv(number, buffer.baseAddress, UInt(buffer.count)) })
    }

    /// Writes without blocking. `bytes` must not be empty.
    @inline(__always)
    static func tryWrite(_ number: Int32, _ bytes: UnsafeRawBufferPointer) -> WriteAttempt {
        WriteAttempt(uninterrupted { clibev_send(number, bytes.baseAddress, UInt(bytes.count), Int32(MSG_NOSIGNAL)) })
    }

    /// Writes three buffers as if they were one, without blocking.
    static func tryWrite(
        _ number: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer,
        _ third: UnsafeRawBufferPointer
    ) -> WriteAttempt {
        var vector: InlineArray<3, iovec> = [iovec(first), iovec(second), iovec(third)]
        let count = withUnsafeMutableBytes(of: &vector) { vector in
            var message = msghdr()
            message.msg_iov = vector.baseAddress?.assumingMemoryBound(to: iovec.self)
            message.msg_iovlen = 3
            return uninterrupted { sendmsg(number, &message, Int32(MSG_NOSIGNAL)) }
        }
        return WriteAttempt(count)
    }

    /// Returns the number of written bytes that the peer's kernel has not confirmed.
    static func unconfirmedBytes(of number: Int32) -> Int {
        var count: Int32 = 0
        return clibev_unconfirmed(number, &count) == 0 ? Int(count) : 0
    }

    /// Whether the connection is broken, as far as the kernel knows.
    static func isBroken(_ number: Int32) -> Bool {
        var poll = pollfd(fd: number, events: 0, revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0
    }

    /// Whether the peer has finished writing, as far as the kernel knows, even if not everything has been read.
    static func hasInputEnded(_ number: Int32) -> Bool {
        var poll = pollfd(fd: number, events: peerHasFinished, revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0 && poll.revents & peerHasFinished != 0
    }

    /// `POLLRDHUP`, which the header defines with `_GNU_SOURCE` only.
    private static let peerHasFinished: Int16 = 0x2000

    /// Repeats a call while a signal interrupts it.
    @inline(__always)
    static func uninterrupted(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}

extension iovec {
    /// Refers to bytes that are only read.
    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        self.init(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }
}

/// The result of a read that does not block.
package enum ReadAttempt: Sendable, Hashable {
    /// The number of bytes that were read, at least 1.
    case bytes(Int)
    /// The peer has finished writing.
    case endOfStream
    /// No bytes are there yet.
    case wouldBlock
    /// The call failed with this error number, which is `ECONNRESET` when the peer has broken off the connection.
    case failed(errno: Int32)

    /// - Parameter result: what a system call has returned that reads into a buffer which is not empty.
    @inline(__always)
    init(_ result: Int) {
        if result > 0 {
            self = .bytes(result)
        } else if result == 0 {
            self = .endOfStream
        } else {
            self = errno == EAGAIN ? .wouldBlock : .failed(errno: errno)
        }
    }
}

/// The result of a write that does not block.
package enum WriteAttempt: Sendable, Hashable {
    /// The number of bytes that were written, at least 1.
    case bytes(Int)
    /// The kernel's buffer is full, because the peer does not read fast enough.
    case wouldBlock
    /// The call failed with this error number, which is `EPIPE` or `ECONNRESET` when the peer has closed the
    /// connection.
    case failed(errno: Int32)

    /// - Parameter result: what a system call has returned that writes bytes.
    @inline(__always)
    init(_ result: Int) {
        self = result >= 0 ? .bytes(result) : errno == EAGAIN ? .wouldBlock : .failed(errno: errno)
    }
}
