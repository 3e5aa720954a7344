import SluiceRuntime
import Synchronization

/// A thread for the TLS handshakes of a listener's clients.
///
/// A handshake takes up to a millisecond of the server's time, for which the clients of a hub's reactor would wait. On this
/// thread, only others that connect wait for it. Each handshake is a green task. The limits on connections bound how many
/// there are.
final class HandshakeThread: Sendable {
    /// What became of a handshake.
    enum Outcome: ~Copyable, Sendable {
        case established(DetachedSocket)
        /// The reason, in words.
        case failed(String)
    }

    /// How long a client may take.
    private static let timeout = Duration.seconds(5)

    private static let tooSlow = "the handshake took longer than \(timeout)"

    private let reactor: Reactor

    /// Starts the thread.
    init() throws(SluiceError) {
        reactor = try Reactor(name: "sluice-tls")
        try reactor.start()
    }

    /// Ends the handshakes that still run, and the thread.
    func stop() { reactor.stop() }

    /// Performs the handshake of a connection, and passes the outcome to `finish` on this thread.
    func perform(_ accepted: consuming AcceptedSocket, _ finish: @escaping @Sendable (consuming Outcome) -> Void) {
        let peer = accepted.peer
        let accepted = Lock<AcceptedSocket?>(accepted)
        reactor.post { [reactor] in
            reactor.spawn("TLS handshake with \(peer)") {
                guard let accepted = accepted.withLock({ $0.take() }) else { return }
                finish(await Self.outcome(of: accepted, on: reactor))
            }
        }
    }

    private static func outcome(of accepted: consuming AcceptedSocket, on reactor: Reactor) async -> Outcome {
        do throws(SluiceError) {
            let stream = try accepted.takeStream(on: reactor)
            // Closes the stream of a client that takes too long, however many bytes it sends.
            let alarm = reactor.call(after: timeout) { stream.close() }
            defer { reactor.cancelTimer(alarm) }
            do throws(SluiceError) {
                try await stream.finishHandshake()
            } catch {
                stream.tellPlainPeer("ERR not-sluice this port speaks TLS: connect with sluices://\n")
                stream.close()
                return .failed(error.code == .closed ? tooSlow : stream.tlsFailure ?? error.message)
            }
            guard let socket = stream.detach() else { return .failed(tooSlow) }
            return .established(socket)
        } catch {
            return .failed(error.message)
        }
    }
}
