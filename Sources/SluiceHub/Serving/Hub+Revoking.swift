import SluiceRuntime
import SluiceWire

/// Which clients may no longer use a hub after its users have changed.
struct Revocation: Sendable {
    /// The principals that are no longer users, or whose token has changed.
    private let principals: Set<ChannelName>
    /// Whether clients without a principal were admitted before, and no longer are.
    private let coversEveryone: Bool

    init(from old: Users?, to new: Users) {
        principals = old?.missing(in: new) ?? []
        coversEveryone = old == nil
    }

    var isEmpty: Bool { principals.isEmpty && !coversEveryone }

    /// Returns the error for a client that may no longer use the hub, or nil.
    ///
    /// - Parameter isAdmitted: whether the client could use the hub so far.
    func error(for principal: ChannelName?, isAdmitted: Bool) -> WireError? {
        if let principal { return principals.contains(principal) ? .revoked : nil }
        return coversEveryone && isAdmitted ? .authenticationRequired : nil
    }
}

extension Hub {
    /// The connections that are checked in one turn of a reactor.
    private static let checksPerTurn = 64

    /// Closes the connections of clients that may no longer use the hub.
    func revokeClients(_ revocation: Revocation) {
        if revocation.isEmpty { return }
        onEachReactor { [weak self] share, connections in self?.revoke(connections[...], on: share, revocation) }
    }

    private func revoke(_ connections: ArraySlice<Connection>, on share: ReactorShare, _ revocation: Revocation) {
        for connection in connections.prefix(Self.checksPerTurn) { connection.revoke(revocation) }
        let rest = connections.dropFirst(Self.checksPerTurn)
        if rest.isEmpty { return }
        share.reactor.post { [weak self] in self?.revoke(rest, on: share, revocation) }
    }

    func principal(of id: ConnectionID) -> ChannelName? {
        look { $0.machine.clients[id]?.principal }
    }
}

extension WireError {
    static let revoked = WireError(.denied, "the principal of this connection was removed, or its token has changed")
}
