import SluiceHub
import SluiceWire

/// Bodies that have not arrived with the head of their request.
///
/// The hub's answer to the head comes first: a client without credentials, or without permission, cannot make the
/// server keep a body, and a body is charged to the principal of its request.
extension WebConnection {
    /// Lets the body of a request arrive, or refuses the request if the hub would refuse it with any body.
    func prepareForBody(of route: Route) {
        if case .delivery = route, actsWithoutClient() { return credentialsAreAccepted(for: route) }
        guard let command = prepareClient() else { return }
        guard !command.isEmpty else { return credentialsAreAccepted(for: route) }
        phase = .authenticating(route)
        cancelAlarm()
        client.write(command)
    }

    /// Continues after the credentials of the request, if it has any, are accepted.
    func credentialsAreAccepted(for route: Route) {
        if let refusal = refusal(of: route) { return respond(Response(outcome: .error(refusal)), isLast: true) }
        phase = .body(route)
        awaitsBody = true
        setAlarm(after: door.hub.limits.lineTimeout)
        if request?.expectsContinue == true, request?.isHTTP1_1 == true, input.isEmpty {
            output.append("HTTP/1.1 100 Continue\r\n\r\n".utf8)
            flush()
        }
    }

    private func refusal(of route: Route) -> WireError? {
        switch route {
        case .send(let channel, _, let wantsAnswer):
            return client.refusal(ofMessageTo: channel, wantsAnswer: wantsAnswer)
        case .delivery(let token, _):
            if !clientBelongsToLease, let refusal = client.refusal(ofMessageTo: nil) { return refusal }
            return door.leases[token] == nil ? .leaseHasEnded : nil
        case .health, .readiness, .methods, .receive, .lease, .report, .metrics, .trace, .stream, .webSocket, .live,
            .command, .page:
            return nil
        }
    }
}

extension WireError {
    /// The error for a token without a lease.
    static let leaseHasEnded = WireError(.stale, "the lease has ended")
}
