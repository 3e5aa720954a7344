import SluiceRuntime
import SluiceWire

/// Decides which clients may no longer use a hub after its principals have changed.
struct Revocation: Sendable {
    private let principals: Principals

    init(_ principals: Principals) { self.principals = principals }

    /// Returns the error for a client that may no longer use the hub, or nil.
    ///
    /// - Parameter isAdmitted: whether the client could use the hub so far.
    func error(for identity: ClientIdentity, isAdmitted: Bool) -> WireError? {
        guard let principal = identity.principal else {
            return principals.anonymous == nil && isAdmitted ? .authenticationRequired : nil
        }
        return principals.stillAccept(principal, identity.proof) ? nil : .revoked
    }
}

/// The principal of a connection, and what has proved it.
struct ClientIdentity: Sendable {
    let principal: ChannelName?
    let proof: IdentityProof?
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

    func identity(of id: ConnectionID) -> ClientIdentity {
        look { state in
            let client = state.machine.clients[id]
            return ClientIdentity(principal: client?.principal, proof: client?.proof)
        }
    }
}

extension WireError {
    static let revoked = WireError(
        .denied, "the principal of this connection was removed, or what proved it has changed")
}
