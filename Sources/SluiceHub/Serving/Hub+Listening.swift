public import SluiceRuntime
import SluiceWire
import Synchronization

extension Hub {
    /// Serves whoever connects to `listener`, until that is closed. Called by a task of the listener's reactor.
    /// `HubLimits.listenerOptions` are what it should be bound with.
    ///
    /// - Parameter reactors: where the clients are served, each on the one that serves the fewest: all of them run, and go
    ///   on to. None stands for the listener's own.
    /// - Throws: `.cancelled`; `.system` when the listener fails for good; `.misuse` off its reactor.
    public func serve(_ listener: Listener, on reactors: [Reactor] = []) async throws(SluiceError) {
        let shares = (reactors.isEmpty ? [listener.reactor] : reactors).map(share)
        listeners.add(listener)
        defer { listeners.remove(listener) }
        do throws(SluiceError) {
            while true { admit(try await listener.acceptSocket(), shares) }
        } catch  where error.code == .closed {}
    }

    private func admit(_ accepted: consuming AcceptedSocket, _ shares: [ReactorShare]) {
        switch enter(accepted.peer.description, from: ClientOrigin(accepted.peer), on: shares) {
        case .turnedAway(_, let error): turnAway(accepted.takeStream(on: shares[0].reactor), error, shares[0])
        case .admitted(let connection):
            if connection.share.reactor.isCurrent { return begin(connection, accepted.takeDescriptor()) }
            // The listener's reactor has accepted it, and another one serves it.
            let descriptor = Lock<Descriptor?>(accepted.takeDescriptor())
            connection.share.reactor.post { [self] in
                if let descriptor = descriptor.withLock({ $0.take() }) { begin(connection, descriptor) }
            }
        }
    }

    private func begin(_ connection: Connection, _ descriptor: consuming Descriptor) {
        connection.share.connectionEnters()
        watchOver(connection.share)
        connection.begin(descriptor)
        // It was accepted just before the listeners were closed.
        if connection.share.isDraining { connection.drain() }
    }

    private func turnAway(_ stream: Stream, _ error: WireError, _ share: ReactorShare) {
        var output: [UInt8] = []
        Reply.error(error).append(to: &output)
        _ = output.withUnsafeBytes { stream.tryWrite($0) }
        try? stream.shutdownWrite()
        // Closing with input unread would break the connection off, and the reply might not arrive.
        _ = stream.tryRead(into: share.scratch)
        stream.close()
    }

    /// Has the connections closed when the reactor ends, while there are any.
    private func watchOver(_ share: ReactorShare) {
        guard share.warden == nil else { return }
        let warden = Gate("the end of the connections", on: share.reactor)
        share.warden = warden
        share.reactor.spawn("connections") { [self] in
            do throws(SluiceError) {
                try await warden.wait()
            } catch {
                for connection in connections(of: share) { connection.stop() }
            }
        }
    }
}
