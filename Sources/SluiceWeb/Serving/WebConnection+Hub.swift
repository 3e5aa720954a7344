import SluiceHub
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
        if client.isEnded || credentials != nil && credentials != wanted {
            let (old, sibling) = (client, try client.makeSibling())
            old.finish()
            client = sibling
            credentials = nil
            listenToClient()
        }
        offeredCredentials = credentials == nil ? wanted : nil
    }

    /// Continues with a reply of the hub.
    func receive(_ reply: Reply) {
        if let offered = offeredCredentials {
            offeredCredentials = nil
            if case .ok = reply { credentials = offered } else { refuseCredentials(because: reply) }
            return
        }
        switch phase {
        case .waiting:
            guard var current = exchange else { return }
            let step = current.receive(reply)
            exchange = current
            perform(step)
        case .concluding:
            exchange = nil
            endRequest()
            serveInput()
        // The error with which the hub ends an idle client.
        case .head, .body, .delivering, .lingering, .closed: break
        }
    }

    private func perform(_ step: ExchangeStep) {
        switch step {
        case .command(let bytes): client.write(bytes)
        case .respond(let response):
            respond(response)
            serveInput()
        case .deliver(let response): deliver(response)
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
        case .concluding:
            isLast = true
            endRequest()
        case .head, .body, .delivering, .lingering, .closed: closeIfIdle()
        }
    }
}
