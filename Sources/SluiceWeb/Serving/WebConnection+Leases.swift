import SluiceHub
import SluiceRuntime
import SluiceWire

/// Leases that outlive the connection.
extension WebConnection {
    /// Answers with a token for a lease. The connection gives its hub's client, to which the lease belongs, to the
    /// lease.
    func handOver(_ response: Response, _ delivery: DeliveryID, for duration: Duration) {
        let token = LeaseTable.makeToken()
        principalOfLease = client.principal
        let lease = HeldLease(of: delivery, by: client, principal: principalOfLease, for: duration) {
            [leases = door.leases, client = client, weak self] in
            leases.remove(token)
            self?.leaseHasEnded(of: client)
        }
        door.leases.insert(lease, for: token)
        undelivered = lease
        clientBelongsToLease = true
        leaseIsOver = false
        var response = response
        response.headers.append("Sluice-Delivery: \(token)")
        deliver(response)
    }

    /// Called when a lease has ended, and with it its client of the hub.
    private func leaseHasEnded(of client: WireClient) {
        guard isOpen, clientBelongsToLease, self.client === client else { return }
        leaseIsOver = true
        // Not at once, because this connection may be the one that has ended it.
        reactor.post { [self] in settle() }
    }

    /// Whether a request can act on leases without a client of the hub: its credentials are those of the client that
    /// was given to a lease. Otherwise, a client that a limit keeps from a further connection could not end its leases.
    func actsWithoutClient() -> Bool {
        guard clientBelongsToLease, let wanted = try? request.map(HTTPCredentials.of) else { return false }
        return wanted == credentials
    }

    /// Performs an action on the lease of a token, and answers with the reply.
    func act(_ action: DeliveryAction, on token: String) {
        guard let lease = door.leases[token] else {
            return perform(.respond(Response(outcome: .error(.leaseHasEnded))))
        }
        guard lease.principal == (clientBelongsToLease ? principalOfLease : client.principal) else {
            return perform(
                .respond(Response(outcome: .error(WireError(.denied, "the lease belongs to another principal")))))
        }
        phase = .changingLease
        lease.perform(action) { [self] reply in
            reactor.post { [self] in
                guard isOpen, case .changingLease = phase else { return }
                let reply = reply ?? .error(.leaseHasEnded)
                perform(.respond(Response(outcome: reply)))
                settle()
            }
        }
    }
}
