import SluiceHub
import SluiceRuntime
import SluiceWire

/// What a connection does with the hub.
extension WebConnection {
    /// Serves a request whose body has arrived.
    func serve(_ route: Route, _ body: [UInt8]) {
        switch route {
        case .health: respond(Response(.ok, "ok"))
        case .readiness:
            respond(
                door.hub.isDraining
                    ? Response(.unavailable, "draining: this server takes no new work") : Response(.ok, "ready"))
        case .methods(let methods):
            var response = Response(.noContent)
            response.headers = ["Allow: \(methods.joined(separator: ", "))"]
            respond(response)
        case .send(let channel, let options, let wantsAnswer):
            begin(SendExchange(body[...], on: channel, options, wantsAnswer: wantsAnswer))
        case .receive(let channel, let timeout): begin(ReceiveExchange(from: channel, timeout: timeout))
        case .lease(let channel, let lease, let timeout):
            begin(LeaseExchange(channel: channel, lease: lease, timeout: timeout))
        case .delivery(let token, .acknowledge): begin(.acknowledge(answer: body), on: token)
        case .delivery(let token, .other(let action)): begin(action, on: token)
        case .report(let inspection): begin(ReportExchange(inspection: inspection))
        case .metrics: begin(MetricsExchange(door.measurements))
        case .command(let command): begin(CommandExchange(command))
        case .page(let file): respond(Dashboard.response(for: file))
        case .live:
            begin(
                DashboardStream(clock: { [reactor] in reactor.nowNanoseconds }, limits: { [door] in door.hub.limits }))
        case .trace(let prefix): begin(TraceStream(prefix: prefix))
        case .stream(let channel): begin(MessageStream(from: channel))
        case .webSocket(let handshake): beginWebSocket(handshake)
        }
    }

    private func begin(_ action: DeliveryAction, on token: String) {
        if actsWithoutClient() { return act(action, on: token) }
        begin(DeliveryExchange(token: token, action: action))
    }

    /// Begins an exchange, with the credentials of the request.
    private func begin(_ new: some Exchange) {
        guard var commands = prepareClient() else { return }
        var new = new
        commands += new.begin()
        exchange = new
        phase = .waiting
        cancelAlarm()
        client.write(commands)
    }

    /// Prepares the hub's client for the credentials of the request. Returns the command that authenticates it, which
    /// is empty if none is needed; nil if the request was refused.
    func prepareClient() -> [UInt8]? {
        do {
            try prepareClient(for: try request.flatMap(HTTPCredentials.of))
        } catch let refusal as Refusal {
            // A body that has not arrived would have to be read before a further request.
            let bodyFollows = if case .body = phase { true } else { false }
            respond(Response(refusal), isLast: bodyFollows)
            return nil
        } catch let error as WireError {
            respond(Response(outcome: .error(error)), isLast: true)
            return nil
        } catch {
            return nil
        }
        var command: [UInt8] = []
        if let offered = offeredCredentials { Request(tag: nil, command: .authenticate(offered)).append(to: &command) }
        return command
    }

    /// Replaces the hub's client if it has ended, belongs to a lease, or has authenticated with other credentials than
    /// those of the request. A proxy may send the requests of several principals over one connection.
    private func prepareClient(for wanted: Credentials?) throws {
        if client.isEnded || clientBelongsToLease || credentials != nil && credentials != wanted {
            let (old, sibling) = (client, try client.makeSibling())
            if clientBelongsToLease { old.heldBytes = 0 } else { old.finish() }
            clientBelongsToLease = false
            leaseIsOver = false
            client = sibling
            credentials = nil
            listenToClient()
        }
        offeredCredentials = credentials == nil ? wanted : nil
    }

    /// Continues with a reply of the hub.
    func receive(_ reply: Reply, _ tag: Tag?) {
        if let offered = offeredCredentials {
            offeredCredentials = nil
            guard case .ok = reply else { return refuseCredentials(because: reply) }
            credentials = offered
            switch phase {
            case .upgrading(let handshake): openWebSocket(handshake)
            case .authenticating(let route):
                credentialsAreAccepted(for: route)
                serveInput()
            case .head, .body, .waiting, .changingLease, .delivering, .acknowledging, .streaming, .webSocket,
                .lingering,
                .closed:
                break
            }
            return
        }
        switch phase {
        case .waiting:
            guard var current = exchange else { return }
            let step = current.receive(reply)
            exchange = current
            perform(step)
        case .acknowledging:
            exchange = nil
            endRequest()
            serveInput()
        case .streaming: continueStream(reply, tag)
        // The error with which the hub ends an idle client.
        case .head, .body, .authenticating, .changingLease, .delivering, .upgrading, .webSocket, .lingering, .closed:
            break
        }
    }

    func perform(_ step: ExchangeStep) {
        switch step {
        case .command(let bytes): client.write(bytes)
        case .respond(let response):
            respond(response)
            serveInput()
        case .deliver(let response): deliver(response)
        case .handOver(let response, let delivery, let duration): handOver(response, delivery, for: duration)
        case .act(let action, let token): act(action, on: token)
        }
    }

    private func refuseCredentials(because reply: Reply) {
        var response = Response(outcome: reply)
        if case .error(let error) = reply, error.code == .denied {
            response = Response(Refusal(.unauthorized, error.message))
            response.headers.append("Sluice-Outcome: \(reply.outcome)")
        }
        respond(response, isLast: true)
    }

    /// Continues the exchange after the client's kernel has confirmed the response.
    func responseIsConfirmed() {
        undelivered = nil
        guard sendLastCommand() else {
            exchange = nil
            endRequest()
            return serveInput()
        }
    }

    /// Sends the last command of the exchange. Returns false if there is none.
    @discardableResult
    func sendLastCommand() -> Bool {
        guard var current = exchange, let command = current.delivered() else { return false }
        exchange = current
        phase = .acknowledging
        client.write(command)
        return true
    }

    /// Called when the hub has ended the connection of its client.
    func clientHasEnded() {
        // A later connection needs the place of this one now.
        if client.hasGivenWay { return hangUp(isBroken: true) }
        switch phase {
        case .authenticating, .waiting, .upgrading:
            respond(Response(.unavailable, "the server has ended this client's connection"), isLast: true)
        case .streaming: endStream(because: .cancelled("closing"))
        case .webSocket: endWebSocket()
        case .acknowledging:
            isLast = true
            endRequest()
        case .head, .body, .changingLease, .delivering, .lingering, .closed: closeIfIdle()
        }
    }

    /// Closes the connection if no request has begun to arrive. While the hub drains, a new connection may make one
    /// request.
    func closeIfIdle() {
        isLast = true
        guard case .head = phase, input.isEmpty, hasServed || !door.hub.isDraining else { return }
        linger()
    }
}
