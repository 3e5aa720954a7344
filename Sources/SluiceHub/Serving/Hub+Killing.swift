import SluiceRuntime
import SluiceWire

/// Closing connections for `KILL`.
extension Hub {
    /// Closes the connections that `KILL` names, and returns the reply.
    ///
    /// - Parameter id: the connection that has sent the command. It is closed too if the command names it.
    func kill(_ command: KillCommand, by id: ConnectionID) -> Reply {
        let victims = look { state in
            state.machine.clients[id]?.mayKill == true ? state.machine.connections(of: command.target) : nil
        }
        guard let victims else { return .error(.mayNotKill) }
        if victims.isEmpty { return .error(WireError(.notFound, "no connection has that address or principal")) }
        let error = WireError(.denied, "KILL closed the connection" + (command.reason.map { ": \($0)" } ?? ""))
        onEachReactor { _, connections in
            for connection in connections where victims.contains(connection.id) { connection.kill(error) }
        }
        return .ok(Attributes([Attribute(.connections, victims.count)]))
    }
}

extension HubStateMachine {
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
