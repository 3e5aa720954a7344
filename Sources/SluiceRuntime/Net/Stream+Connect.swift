import Glibc

extension Stream {
    /// Connects to a listener. Must be called by a task of the reactor to which the stream is to belong.
    ///
    /// - Parameter timeout: how long to wait for the peer at most; nil waits as long as the kernel does, about 2 minutes.
    /// - Throws: `.system` when nobody listens there, `errno` being `ECONNREFUSED`, or when the peer cannot be reached;
    ///   `.timedOut`, `.cancelled`; `.misuse` off the reactors.
    public static func connect(
        to address: SocketAddress, timeout: Duration? = nil
    ) async throws(SluiceError) -> Stream {
        guard let reactor = Reactor.current else {
            throw SluiceError(.misuse, "only a task on a reactor can connect to \(address)")
        }
        let descriptor = try Socket.open(for: address)
        try Socket.sendAtOnce(descriptor.number, to: address)
        let status = address.withSystemAddress { Glibc.connect(descriptor.number, $0, $1) }
        let error = status == 0 ? 0 : errno
        let stream = Stream(descriptor, to: address, on: reactor)
        switch error {
        case 0: return stream
        // A connection attempt that a signal interrupts goes on by itself.
        case EINPROGRESS, EINTR: try await stream.waitUntilConnected(timeout: timeout)
        default: throw refusal(error, by: address)
        }
        return stream
    }

    private func waitUntilConnected(timeout: Duration?) async throws(SluiceError) {
        try await waitWritable(timeout: timeout)
        let error = Socket.pendingError(of: watch.number)
        if error != 0 { throw Self.refusal(error, by: peerAddress) }
    }

    private static func refusal(_ errno: Int32, by address: SocketAddress) -> SluiceError {
        SluiceError(system: errno, "cannot connect to \(address)")
    }
}
