import SluiceRuntime
import Synchronization

/// A thread for the TLS handshakes of a listener's clients.
///
/// A handshake takes up to a millisecond of processor time. On a hub's reactor, all clients of it would wait meanwhile; on
/// this thread, only those that connect. Each handshake is a green task. The limits on connections bound how many
/// there are.
final class HandshakeThread: Sendable {
    /// The result of a handshake.
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
            do throws(SluiceError) {
                try await stream.finishHandshake(timeout: timeout)
            } catch {
                stream.writeToPlainTextPeer("ERR not-sluice this port speaks TLS: connect with sluices://\n")
                stream.close()
                return .failed(error.code == .timedOut ? tooSlow : stream.tlsFailure ?? error.message)
            }
            guard let socket = stream.detach() else { return .failed(tooSlow) }
            return .established(socket)
        } catch {
            return .failed(error.message)
        }
    }
}
