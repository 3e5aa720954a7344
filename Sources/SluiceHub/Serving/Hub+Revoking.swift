import SluiceRuntime
import SluiceWire

/// Decides which clients may no longer use a hub after its principals have changed.
struct Revocation: Sendable {
    private let principals: Principals

    init(_ principals: Principals) { self.principals = principals }

    /// Returns the error for a client that may no longer use the hub, or nil.
    ///
    /// - Parameter isAdmitted: whether the client could use the hub so far.
    func error(for identity: ProvenIdentity?, isAdmitted: Bool) -> WireError? {
        guard let identity else { return principals.anonymous == nil && isAdmitted ? .authenticationRequired : nil }
        return principals.stillAccept(identity) ? nil : .revoked
    }
}

extension Hub {
    /// Closes the connections of clients that may no longer use the hub.
    func revokeClients(_ revocation: Revocation) {
        visitConnections { $0.revoke(revocation) }
    }

    /// Calls `body` with each connection, on the thread of its reactor. If the time of a turn is over, the remaining
    /// connections are called in later turns.
    func visitConnections(_ body: @escaping @Sendable (Connection) -> Void) {
        onEachReactor { [weak self] share, connections in self?.visit(connections[...], on: share, body) }
    }

    private func visit(
        _ connections: ArraySlice<Connection>, on share: ReactorShare, _ body: @escaping @Sendable (Connection) -> Void
    ) {
        share.awaitEndOfTurn()
        let end = share.time.end(of: Budget.timeOfVisits, from: share.reactor.nowNanoseconds)
        var rest = connections
        while let connection = rest.popFirst() {
            body(connection)
            guard share.reactor.nowNanoseconds > end else { continue }
            let later = rest
            return share.reactor.post { [weak self] in self?.visit(later, on: share, body) }
        }
    }

    func identity(of id: ConnectionID) -> ProvenIdentity? { look { $0.machine.clients[id]?.identity } }
}

extension WireError {
    static let revoked = WireError(
        .denied, "the principal of this connection was removed, or what proved it has changed")
}
