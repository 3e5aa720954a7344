import SluiceRuntime
import Synchronization

/// A thread for the TLS handshakes of a listener's clients.
///
/// A handshake takes up to a millisecond of processor time. On a hub's reactor, all clients of it would wait meanwhile;
/// on this thread, only those that connect. Each handshake is a green task. The limits on connections, and the charge
/// for each handshake, bound how many there are. Addresses take turns, so that one with many handshakes does not keep
/// the others waiting.
final class HandshakeThread: Sendable {
    /// The result of a handshake.
    enum Outcome: ~Copyable, Sendable {
        case established(DetachedSocket)
        /// The reason, in words.
        case failed(String)
    }

    /// How long a client may take.
    private static let timeout = Duration.seconds(5)

    private let turns: HandshakeTurns

    private static let tooSlow = "the handshake took longer than \(timeout)"

    private let reactor: Reactor
    /// The reply to a client that does not use TLS.
    private let replyToPlainText: String

    /// Starts the thread.
    ///
    /// - Parameter door: the door that serves the clients; nil for the line protocol.
    init(_ door: (any Door)?) throws(SluiceError) {
        replyToPlainText =
            door?.replyToPlainText ?? "ERR not-sluice this port speaks TLS: connect with sluices://\n"
        reactor = try Reactor(name: "sluice-tls")
        turns = HandshakeTurns(on: reactor)
        try reactor.start()
    }

    /// Ends the handshakes that still run, and the thread.
    func stop() { reactor.stop() }

    /// Performs the handshake of a connection, and passes the outcome to `finish` on this thread.
    ///
    /// - Parameter holder: the holder that the connection counts for.
    func perform(
        _ accepted: consuming AcceptedSocket, for holder: HolderID,
        _ finish: @escaping @Sendable (consuming Outcome) -> Void
    ) {
        let peer = accepted.peer
        let accepted = Lock<AcceptedSocket?>(accepted)
        reactor.post { [reactor, turns, replyToPlainText] in
            reactor.spawn("TLS handshake with \(peer)") {
                guard let accepted = accepted.withLock({ $0.take() }) else { return }
                finish(await Self.outcome(of: accepted, for: holder, on: reactor, turns, replyToPlainText))
            }
        }
    }

    private static func outcome(
        of accepted: consuming AcceptedSocket, for holder: HolderID, on reactor: Reactor,
        _ turns: HandshakeTurns, _ replyToPlainText: String
    ) async -> Outcome {
        let deadline = reactor.nowNanoseconds &+ timeout.wholeNanoseconds
        do throws(SluiceError) {
            // The work of a session begins with its first turn.
            try await turns.next(for: holder, isFirst: true, before: deadline)
            let stream = try accepted.takeStream(on: reactor)
            var isFirst = true
            do throws(SluiceError) {
                try await stream.finishHandshake(timeout: turns.time(until: deadline)) { () throws(SluiceError) in
                    if isFirst { isFirst = false } else { try await turns.next(for: holder, before: deadline) }
                }
            } catch {
                stream.writeToPlainTextPeer(replyToPlainText)
                stream.close()
                return .failed(error.code == .timedOut ? tooSlow : stream.tlsFailure ?? error.message)
            }
            guard let socket = stream.detach() else { return .failed(tooSlow) }
            return .established(socket)
        } catch {
            return .failed(error.code == .timedOut ? tooSlow : error.message)
        }
    }
}

/// The order in which handshakes run. Holders take turns, and so do the handshakes of each.
///
/// In each turn of the reactor, one of them begins, and one that has begun continues. So a handshake that becomes ready
/// meanwhile has its turn after at most one step of each other holder, however many wait, and one that has begun does
/// not wait for all that have not. Used only on the reactor's thread.
final class HandshakeTurns: @unchecked Sendable {
    // Sendable: see above.

    private let reactor: Reactor
    private var beginning = FairQueue<Gate, HolderID>()
    private var continuing = FairQueue<Gate, HolderID>()

    init(on reactor: Reactor) { self.reactor = reactor }

    /// Waits for the turn of a handshake.
    ///
    /// - Parameter deadline: a time of the reactor's clock, in nanoseconds.
    /// - Throws: `.timedOut` at the deadline, and `.cancelled`.
    func next(
        for holder: HolderID, isFirst: Bool = false, before deadline: UInt64
    ) async throws(SluiceError) {
        let gate = Gate("a turn of the TLS handshakes", on: reactor)
        if isEmpty { openNextLater() }
        if isFirst { beginning.append(gate, of: holder) } else { continuing.append(gate, of: holder) }
        try await gate.wait(timeout: time(until: deadline))
        if reactor.nowNanoseconds >= deadline { throw SluiceError(.timedOut, "the time for the TLS handshake is over") }
    }

    func time(until deadline: UInt64) -> Duration {
        let now = reactor.nowNanoseconds
        return now < deadline ? .nanoseconds(Int64(clamping: deadline - now)) : .zero
    }

    private func openNextLater() {
        reactor.post { [weak self] in self?.openNext() }
    }

    private var isEmpty: Bool { beginning.isEmpty && continuing.isEmpty }

    private func openNext() {
        if let (gate, _) = continuing.popFirst() { gate.open() }
        if let (gate, _) = beginning.popFirst() { gate.open() }
        if !isEmpty { openNextLater() }
    }
}
