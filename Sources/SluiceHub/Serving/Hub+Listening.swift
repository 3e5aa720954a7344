public import SluiceRuntime
import SluiceWire

extension Hub {
    /// Serves whoever connects to `listener`, until that is closed. Called by a task of the listener's reactor, on which
    /// the clients are served, too.
    ///
    /// - Throws: `.cancelled`; `.system` when the listener fails for good; `.misuse` off its reactor.
    public func serve(_ listener: Listener) async throws(SluiceError) {
        let share = share(of: listener.reactor)
        do throws(SluiceError) {
            while true { admit(try await listener.acceptSocket(), share) }
        } catch  where error.code == .closed {}
    }

    private func admit(_ accepted: consuming AcceptedSocket, _ share: ReactorShare) {
        let client = accepted.peer.description
        guard let connection = enter(client, on: share) else {
            return turnAway(accepted.takeStream(on: share.reactor), client, share)
        }
        watchOver(share)
        connection.begin(accepted.takeDescriptor())
    }

    private func turnAway(_ stream: Stream, _ client: String, _ share: ReactorShare) {
        var output: [UInt8] = []
        let limit = limits.maxConnections
        Reply.error(WireError(.limit, "the server has \(limit) connections, and takes no more")).append(to: &output)
        _ = output.withUnsafeBytes { stream.tryWrite($0) }
        try? stream.shutdownWrite()
        // Closing with input unread would break the connection off, and the reply might not arrive.
        _ = stream.tryRead(into: share.scratch)
        stream.close()
        turnedAway(client)
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
