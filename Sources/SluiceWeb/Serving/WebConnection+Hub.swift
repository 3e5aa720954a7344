import SluiceHub
import SluiceRuntime
import SluiceWire

/// What a connection does with the hub.
extension WebConnection {
    /// Serves a request whose body has arrived.
    func serve(_ route: Route, _ body: ArraySlice<UInt8>) {
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
            begin(SendExchange(body, on: channel, options, wantsAnswer: wantsAnswer))
        case .receive(let channel, let timeout): begin(ReceiveExchange(from: channel, timeout: timeout))
        case .lease(let channel, let lease, let timeout):
            begin(LeaseExchange(channel: channel, lease: lease, timeout: timeout))
        case .delivery(let token, .acknowledge):
            begin(DeliveryExchange(token: token, action: .acknowledge(answer: Array(body))))
        case .delivery(let token, .other(let action)): begin(DeliveryExchange(token: token, action: action))
        case .report(let inspection): begin(ReportExchange(inspection: inspection))
        case .metrics: begin(MetricsExchange())
        case .live:
            begin(LiveExchange(clock: { [reactor] in reactor.nowNanoseconds }, limits: { [door] in door.hub.limits }))
        case .command(let command): begin(CommandExchange(command))
        case .page(let file): respond(Dashboard.response(for: file))
        }
    }

    /// Begins an exchange, with the credentials of the request.
    private func begin(_ new: some Exchange) {
        var new = new
        do {
            try prepareClient(for: try request.flatMap(HTTPCredentials.of))
        } catch let refusal as Refusal {
            return respond(Response(refusal))
        } catch let error as WireError {
            return respond(Response(outcome: .error(error)), isLast: true)
        } catch {
            return
        }
        var commands: [UInt8] = []
        if let offered = offeredCredentials { Request(tag: nil, command: .authenticate(offered)).append(to: &commands) }
        commands += new.begin()
        exchange = new
        phase = .waiting
        cancelAlarm()
        client.write(commands)
    }

    /// Replaces the hub's client if it has ended, or has authenticated in another way than the request does. A proxy may
    /// send the requests of several principals over one connection.
    private func prepareClient(for wanted: Credentials?) throws {
        if client.isEnded || hasGivenClientAway || credentials != nil && credentials != wanted {
            let (old, sibling) = (client, try client.makeSibling())
            if !hasGivenClientAway { old.finish() }
            hasGivenClientAway = false
            client = sibling
            credentials = nil
            listenToClient()
        }
        offeredCredentials = credentials == nil ? wanted : nil
    }

    /// Continues with a reply of the hub.
    func receive(_ reply: Reply, tag: Tag?) {
        if let offered = offeredCredentials {
            offeredCredentials = nil
            if case .ok = reply { credentials = offered } else { refuseCredentials(because: reply) }
            return
        }
        switch phase {
        case .waiting, .streaming:
            guard var current = exchange else { return }
            let step = current.receive(reply, tag: tag)
            exchange = current
            perform(step)
        case .concluding:
            exchange = nil
            endRequest()
            serveInput()
        // The error with which the hub ends an idle client.
        case .head, .body, .acting, .delivering, .lingering, .closed: break
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
        case .beginStream(let response, let piece): beginStream(response, piece)
        case .send(let piece): send(piece, thenPausing: nil)
        case .sendAndPause(let piece, let pause): send(piece, thenPausing: pause)
        case .none: break
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
        phase = .concluding
        client.write(command)
        return true
    }

    /// Called when the hub has ended the connection of its client.
    func clientHasEnded() {
        switch phase {
        case .waiting: respond(Response(.unavailable, "the server has ended this client's connection"), isLast: true)
        case .concluding, .streaming:
            isLast = true
            endRequest()
        case .head, .body, .acting, .delivering, .lingering, .closed: closeIfIdle()
        }
    }

    /// Closes the connection if no request is on its way. While the hub drains, a new connection may make one request.
    func closeIfIdle() {
        isLast = true
        guard case .head = phase, input.isEmpty, hasServed || !door.hub.isDraining else { return }
        linger()
    }
}

/// Leases that outlive the connection.
extension WebConnection {
    /// Answers with a token for a lease. The hub's client, to which the lease belongs, leaves the connection.
    private func handOver(_ response: Response, _ delivery: DeliveryID, for duration: Duration) {
        let token = LeaseTable.makeToken()
        let lease = HeldLease(of: delivery, by: client, principal: credentials?.principal, for: duration) {
            [leases = door.leases] in leases.remove(token)
        }
        door.leases.insert(lease, for: token)
        undelivered = lease
        hasGivenClientAway = true
        var response = response
        response.headers.append("Sluice-Delivery: \(token)")
        deliver(response)
    }

    private func act(_ action: DeliveryAction, on token: String) {
        guard let lease = door.leases[token] else {
            return perform(.respond(Response(outcome: .error(WireError(.stale, "the lease has ended")))))
        }
        guard lease.principal == credentials?.principal else {
            return perform(
                .respond(Response(outcome: .error(WireError(.denied, "the lease belongs to another principal")))))
        }
        phase = .acting
        lease.perform(action) { [self] reply in
            reactor.post { [self] in
                guard isOpen, case .acting = phase else { return }
                let reply = reply ?? .error(WireError(.stale, "the lease has ended"))
                perform(.respond(Response(outcome: reply)))
                settle()
            }
        }
    }
}
