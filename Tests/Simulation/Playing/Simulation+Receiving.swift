import SluiceRuntime
import SluiceWire

/// The receiving half of the clients: replies, and what the clients do with messages under a lease.
extension Simulation {
    /// How often a client rejects a message or lets its lease expire, so that every simulation ends. After that many
    /// attempts, clients acknowledge the message, and after twice as many they break the connection off.
    private static let maxAttempts = 5

    // MARK: Reading

    func planToRead(_ connection: ClientConnection) {
        guard !connection.isReading, !connection.hasEnded else { return }
        connection.isReading = true
        events.add(.reading(connection), at: max(now + delay(on: connection), connection.stalledUntil))
    }

    func read(_ connection: ClientConnection) {
        connection.isReading = false
        guard !connection.hasEnded else { return }
        if !isCalm, connection.stalledUntil > now { return planToRead(connection) }
        let isPart = plan.setting.splits && !isCalm && connection.client >= 0 && connection.chance.happens(1, of: 3)
        let bytes = connection.socket.takeOutput(upTo: isPart ? 1 + connection.chance.below(64) : .max)
        if !bytes.isEmpty {
            if connection.client >= 0 { hash.add(.received, connection.number, at: now, bytes) }
            parse(bytes, on: connection)
        }
        if connection.socket.untakenBytes > 0 { return planToRead(connection) }
        guard connection.socket.hasOutputEnded else { return }
        hash.add(.outputEnded, connection.number, at: now)
        if isBrokenOff(connection) { history.connections[connection.number].isBroken = true }
        finishSending(connection)
        end(connection)
    }

    /// Returns whether the hub closed the connection while the client still expected replies.
    private func isBrokenOff(_ connection: ClientConnection) -> Bool {
        connection.socket.isClosed && !connection.hasFinishedSending
            && history.connections[connection.number].farewell == nil
    }

    private func parse(_ bytes: [UInt8], on connection: ClientConnection) {
        connection.unparsed += bytes
        var offset = 0
        var replies: [(Tag?, Reply)] = []
        connection.unparsed.withUnsafeBytes { input in
            while true {
                switch connection.parser.next(input, offset: &offset) {
                case .reply(let tag, let reply): replies.append((tag, reply))
                case .failed(let error):
                    reportMismatch("connection \(connection.number) received an invalid reply: \(error.message)")
                case .needsMore: return
                }
            }
        }
        connection.unparsed.removeFirst(offset)
        for (tag, reply) in replies { receive(reply, tag, on: connection) }
    }

    private func reportMismatch(_ text: String) {
        history.faults.append(Fault(RepliesMatchCommands().name, text))
    }

    // MARK: Replies

    private func receive(_ reply: Reply, _ tag: Tag?, on connection: ClientConnection) {
        guard let exchange = tag.map({ connection.tagged[$0] }) ?? connection.untagged.first else {
            return receiveNotice(reply, tag, connection)
        }
        let moment = moment()
        noteEntered(upTo: exchange, on: connection, moment)
        if isPart(reply, of: exchange) {
            history.exchanges[exchange].parts.append((moment, reply))
        } else {
            history.exchanges[exchange].final = (moment, reply)
            if let tag { connection.tagged[tag] = nil } else { connection.untagged.removeFirst() }
        }
        if history.exchanges[exchange].repliesOnlyToFailure {
            guard case .error = reply else {
                return reportMismatch("t\(exchange) asked for errors only, and got \(reply.summary)")
            }
        }
        if case .error(let error) = reply, error.isFatal { history.connections[connection.number].isRefused = true }
        react(to: reply, exchange, on: connection)
    }

    private func isPart(_ reply: Reply, of exchange: Int) -> Bool {
        switch (history.exchanges[exchange].command, reply) {
        case (.receive(let command), .message): command.count != nil
        case (.trace, .data): true
        default: false
        }
    }

    /// Receives a reply to no command. The hub may only send one that says why it ends the connection.
    private func receiveNotice(_ reply: Reply, _ tag: Tag?, _ connection: ClientConnection) {
        if tag == nil, case .error(let error) = reply, error.code == .limit || error.isFatal {
            history.connections[connection.number].isRefused = true
            return
        }
        let name = tag.map { "#\($0)" } ?? "no tag"
        reportMismatch(
            "connection \(connection.number) received \(reply.summary) with \(name), which answers no command")
    }

    /// Records that the hub has read every command up to one that is answered. So an earlier command that only an error
    /// would have answered has succeeded.
    private func noteEntered(upTo exchange: Int, on connection: ClientConnection, _ moment: Moment) {
        let exchanges = history.connections[connection.number].exchanges
        while connection.enteredCount < exchanges.count, exchanges[connection.enteredCount] <= exchange {
            let entered = exchanges[connection.enteredCount]
            history.exchanges[entered].entered = moment
            connection.enteredCount += 1
            guard entered < exchange, history.exchanges[entered].repliesOnlyToFailure,
                let tag = history.exchanges[entered].tag,
                connection.tagged[tag] == entered
            else { continue }
            connection.tagged[tag] = nil
            history.exchanges[entered].final = (moment, .ok(Attributes()))
        }
    }

    // MARK: Leases

    private func react(to reply: Reply, _ exchange: Int, on connection: ClientConnection) {
        guard case .message(_, let body, let attributes) = reply, let reaction = reactions[exchange],
            let delivery = attributes.first(where: { $0.key == .delivery }).flatMap({ DeliveryID($0.value) })
        else { return }
        switch attributes.number(of: .attempt) ?? 0 {
        case ...Self.maxAttempts: break
        case ...(2 * Self.maxAttempts): return acknowledge(delivery, of: body, on: connection, after: 0)
        default: return breakOff(connection)
        }
        switch reaction {
        case .nothing: break
        case .acknowledge(let delay): acknowledge(delivery, of: body, on: connection, after: delay)
        case .acknowledgeTwice(let delay):
            acknowledge(delivery, of: body, on: connection, after: delay)
            acknowledge(delivery, of: body, "again", on: connection, after: delay)
        case .reject(let after, let delay):
            plan(.nack(NackCommand(delivery, delay: delay)), on: connection, after: after)
        case .refuse(let delay):
            plan(.reject(RejectCommand(delivery, reason: "refused")), on: connection, after: delay)
        case .touchAndAcknowledge(let delay):
            plan(.touch(delivery), on: connection, after: delay)
            acknowledge(delivery, of: body, on: connection, after: 2 * delay)
        case .acknowledgeFromAnother(let client, let delay):
            guard let other = current[client], other !== connection else { return }
            acknowledge(delivery, of: body, "of another", on: other, after: delay)
        }
    }

    /// Acknowledges a message, mostly with an answer, which no other acknowledgement has. To a message that wants none,
    /// too: the hub must drop the answer.
    private func acknowledge(
        _ delivery: DeliveryID, of body: Body, _ suffix: String = "", on connection: ClientConnection,
        after nanoseconds: UInt64
    ) {
        let text = "\(delivery) \(MessageName.text(of: body)) \(suffix)"
        let answer: Body? =
            switch connection.chance.below(8) {
            case 0, 1: nil
            case 2: []
            case 3: Body(text.utf8) + Body(repeating: 0x0A, count: connection.chance.below(2000))
            default: Body(text.utf8)
            }
        let command = AcknowledgeCommand(
            delivery, answer: answer.map { .owned($0) }, repliesOnlyToFailure: connection.chance.happens(1, of: 3))
        plan(.acknowledge(command), on: connection, after: nanoseconds)
    }

    private func plan(_ command: Command, on connection: ClientConnection, after nanoseconds: UInt64) {
        events.add(.reaction(connection, command), at: now + nanoseconds)
    }
}
