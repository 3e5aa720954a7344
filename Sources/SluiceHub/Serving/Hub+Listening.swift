public import SluiceRuntime

extension Hub {
    /// Serves whoever connects to `listener`, until that is closed. Called by a task of the listener's reactor, on which
    /// the clients are served, too.
    ///
    /// - Throws: `.cancelled`; `.system` when the listener fails for good; `.misuse` off its reactor.
    public func serve(_ listener: Listener) async throws(SluiceError) {
        let share = share(of: listener.reactor)
        do throws(SluiceError) {
            while true { admit(try await listener.accept(), share) }
        } catch  where error.code == .closed {}
    }

    private func admit(_ stream: Stream, _ share: ReactorShare) {
        let connection = Connection(stream, on: share, of: self)
        share.reactor.spawn(connection.client) { await connection.serve() }
    }
}
