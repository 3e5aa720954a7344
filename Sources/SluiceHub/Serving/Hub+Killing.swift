import SluiceRuntime
import SluiceWire

/// Closing connections for `KILL`.
extension Hub {
    /// Closes the connections that `KILL` names, and returns the reply.
    ///
    /// - Parameter id: the connection that has sent the command. It is closed too if the command names it.
    func kill(_ command: KillCommand, by id: ConnectionID) -> Reply {
        let (refusal, victims) = look { state in
            let refusal = state.machine.refusalToKill(by: id)
            return (refusal, refusal == nil ? state.machine.connections(of: command.target) : [])
        }
        if let refusal { return .error(refusal) }
        if victims.isEmpty { return .error(WireError(.notFound, "no connection has that address or principal")) }
        let error = WireError(.denied, "KILL closed the connection" + (command.reason.map { ": \($0)" } ?? ""))
        visitConnections { if victims.contains($0.id) { $0.kill(error) } }
        return .ok(Attributes([Attribute(.connections, victims.count)]))
    }
}

extension HubStateMachine {
    /// Returns the error for a client that may not use `KILL`. A client without permissions of its own may if its process
    /// could as well signal the hub's.
    fileprivate func refusalToKill(by id: ConnectionID) -> WireError? {
        guard let client = clients[id] else { return .mayNotKill }
        if let permissions = client.grant.permissions { return permissions.mayKill ? nil : .denied(.kill) }
        return client.mayKill ? nil : .mayNotKill
    }

    /// The remote connections that a `KILL` names.
    fileprivate func connections(of target: KillCommand.Target) -> Set<ConnectionID> {
        var found: Set<ConnectionID> = []
        clients.forEach { id, client in
            guard client.segment != nil else { return }
            switch target {
            case .client(let address): if client.address == address { found.insert(id) }
            case .principal(let name): if client.principal == name { found.insert(id) }
            }
        }
        return found
    }
}

extension WireError {
    fileprivate static let mayNotKill = WireError(
        .denied, "KILL needs a connection through a Unix-domain socket, from root or the server's user")
}
