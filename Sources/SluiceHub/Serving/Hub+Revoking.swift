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
    /// The connections that are checked in one turn of a reactor.
    private static let checksPerTurn = 64

    /// Closes the connections of clients that may no longer use the hub.
    func revokeClients(_ revocation: Revocation) {
        onEachReactor { [weak self] share, connections in self?.revoke(connections[...], on: share, revocation) }
    }

    private func revoke(_ connections: ArraySlice<Connection>, on share: ReactorShare, _ revocation: Revocation) {
        for connection in connections.prefix(Self.checksPerTurn) { connection.revoke(revocation) }
        let rest = connections.dropFirst(Self.checksPerTurn)
        if rest.isEmpty { return }
        share.reactor.post { [weak self] in self?.revoke(rest, on: share, revocation) }
    }

    func identity(of id: ConnectionID) -> ProvenIdentity? { look { $0.machine.clients[id]?.identity } }
}

extension WireError {
    static let revoked = WireError(
        .denied, "the principal of this connection was removed, or what proved it has changed")
}
