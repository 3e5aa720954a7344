import SluiceRuntime
import SluiceWire

/// The principals of connections.
extension HubStateMachine {
    /// Records that a connection belongs to a principal.
    ///
    /// - Returns: the error if the principal has too many connections, or if the connection has begun something that
    ///   the principal may not continue; otherwise nil.
    mutating func authenticate(
        _ connection: ConnectionID, as identity: ProvenIdentity
    ) -> WireError? {
        guard let client = clients[connection] else { return nil }
        let principal = identity.principal
        guard client.principal != principal else {
            client.identity = identity
            return nil
        }
        let grant = grants[principal] ?? makeGrant(of: principal)
        let most = grant.limits.connections ?? limits.maxConnectionsPerPrincipal
        guard grant.connections < most else {
            return WireError(.limit, "a principal may have at most \(most) connections")
        }
        let isRestricted = grant.permissions != nil || client.grant.permissions != nil
        if isRestricted, client.pendingCount > 0 || client.leaseCount > 0 || !client.ends.isEmpty {
            return WireError(.conflict, "AUTH must come before commands that wait, leases and joined ends")
        }
        forgetPrincipal(of: client)
        client.identity = identity
        client.grant = grant
        client.move(to: account.holder(.principal(principal)))
        grants[principal] = grant
        grant.connections += 1
        return nil
    }

    private func makeGrant(of principal: ChannelName) -> Grant {
        let grant = Grant(of: principal)
        grant.adopt(principals)
        return grant
    }

    /// Notes that a connection of a principal has ended, or belongs to another one.
    mutating func forgetPrincipal(of client: ClientRecord) {
        guard client.grant.principal != nil, let principal = client.principal else { return }
        client.grant.connections -= 1
        if client.grant.connections == 0, grants[principal] === client.grant { grants[principal] = nil }
    }

    /// Replaces the principals, whose permissions apply to all connections at once.
    mutating func adopt(_ principals: Principals?) {
        self.principals = principals
        account.adopt(principals)
        anonymous.adopt(principals)
        for grant in grants.values { grant.adopt(principals) }
        permissionChanges += 1
        if operations.count + leases.count + clients.count > 0 {
            cause = .none
            perform(PermissionReview(permissionChanges))
        }
    }
}
