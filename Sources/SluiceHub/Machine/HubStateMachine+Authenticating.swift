import SluiceWire

/// Authentication of connections.
extension HubStateMachine {
    /// Records that a connection has authenticated as a principal.
    ///
    /// - Returns: the error if the principal has too many connections, otherwise nil.
    mutating func authenticate(_ connection: ConnectionID, as principal: ChannelName) -> WireError? {
        guard let client = clients[connection], client.principal != principal else { return nil }
        guard principals[principal, default: 0] < limits.maxConnectionsPerPrincipal else {
            return WireError(.limit, "a principal may have at most \(limits.maxConnectionsPerPrincipal) connections")
        }
        forgetPrincipal(of: client)
        client.principal = principal
        client.move(to: account.holder(.principal(principal)))
        principals[principal, default: 0] += 1
        return nil
    }

    mutating func forgetPrincipal(of client: ClientRecord) {
        guard let principal = client.principal, let count = principals[principal] else { return }
        principals[principal] = count == 1 ? nil : count - 1
    }
}
