import SluiceHub
import SluiceRuntime
import SluiceWire

/// The sending half of the clients: their connections, and the commands on them.
extension Simulation {
    // MARK: Connections

    /// Returns the client's connection, which is made if there is none; nil if the hub rejects it.
    func connection(of client: Int) -> ClientConnection? {
        if let connection = current[client] { return connection }
        guard let connection = connect(client, networkBytes: plan.setting.networkBytes) else { return nil }
        current[client] = connection
        for exchange in unanswered.removeValue(forKey: client) ?? [] {
            guard let command = exchange.command else { continue }
            send(command, isTagged: true, on: connection, step: exchange.step)
        }
        return connection
    }

    func connect(_ client: Int, networkBytes: Int) -> ClientConnection? {
        // The listeners are closed before a hub drains.
        guard history.drain == nil else { return nil }
        let address =
            client == Self.neighbour ? "neighbour" : client < 0 ? "auditor" : "c\(client).\(connections.count)"
        let socket = VirtualSocket(outputRoom: networkBytes)
        connectionCounts[client, default: 0] += 1
        let seed = plan.seed &+ UInt64(truncatingIfNeeded: client << 20 + (connectionCounts[client] ?? 0)) << 24
        let connection = ClientConnection(connections.count, of: client, socket, chance: Chance(seed: seed))
        socket.whenReady = { [unowned self, unowned connection] _ in becomesReady(connection) }
        socket.whenChanged = { [unowned self, unowned connection] _ in
            if client == Self.neighbour { noteAnswerToNeighbour() }
            planToRead(connection)
        }
        guard hub.admit(socket, from: address, network: plan.isCrowd ? UInt32(client + 2) : UInt32(client + 2) % 3)
        else { return nil }
        connections.append(connection)
        history.connections.append(ConnectionRecord(client: client, address: address))
        hash.add(.connected, connection.number, at: now)
        if plan.setting.understandsAdditions, client >= 0 {
            send(.hello(understanding: [.receivers, .rejected]), isTagged: false, on: connection, step: -1)
        }
        return connection
    }

    func finishSending(_ connection: ClientConnection) {
        guard !connection.hasEnded, !connection.hasFinishedSending else { return }
        connection.hasFinishedSending = true
        if current[connection.client] === connection { current[connection.client] = nil }
        if history.connections[connection.number].farewell == nil {
            history.connections[connection.number].farewell = moment()
        }
        hash.add(.inputEnded, connection.number, at: now)
        connection.lastArrival = max(connection.lastArrival, now + delay(on: connection))
        events.add(.arrivalOfEnd(connection), at: connection.lastArrival)
    }

    func breakOff(_ connection: ClientConnection) {
        hash.add(.brokenOff, connection.number, at: now)
        history.connections[connection.number].isBroken = true
        connection.socket.breakOff()
        end(connection)
    }

    /// Records that the client learns that the connection has ended.
    func end(_ connection: ClientConnection) {
        guard !connection.hasEnded else { return }
        connection.hasEnded = true
        history.connections[connection.number].end = moment()
        if current[connection.client] === connection { current[connection.client] = nil }
        for exchange in connection.tagged.values.sorted() {
            guard case .send(let send)? = history.exchanges[exchange].command, send.identity != nil else { continue }
            unanswered[connection.client, default: []].append(history.exchanges[exchange])
        }
    }

    // MARK: Commands

    func send(_ command: Command, isTagged: Bool, on connection: ClientConnection, step: Int) {
        send(begin(command, isTagged: isTagged, on: connection, step: step).words, on: connection)
    }

    /// Records a new exchange, and returns its number and the bytes of its command.
    func begin(
        _ command: Command, isTagged: Bool, isText: Bool = false, on connection: ClientConnection, step: Int
    ) -> (exchange: Int, words: [UInt8]) {
        let tag = isTagged ? Tag("t\(history.exchanges.count)") : nil
        let exchange = begin(command, tag, on: connection, step)
        var words: [UInt8] = []
        if let tag { words += Array("#\(tag) ".utf8) }
        if isText, case .send(let send) = command {
            words += Array("send \(send.channel) ".utf8) + send.body.body + [0x0A]
        } else {
            Request(command: command).append(to: &words)
        }
        return (exchange, words)
    }

    @discardableResult
    func begin(_ command: Command?, _ tag: Tag?, on connection: ClientConnection, _ step: Int) -> Int {
        let exchange = history.exchanges.count
        history.exchanges.append(
            Exchange(
                step: step, client: connection.client, connection: connection.number, command: command, tag: tag,
                sent: moment()))
        history.connections[connection.number].exchanges.append(exchange)
        if let tag { connection.tagged[tag] = exchange } else { connection.untagged.append(exchange) }
        return exchange
    }

    func send(_ bytes: [UInt8], on connection: ClientConnection) {
        hash.add(.sent, connection.number, at: now, bytes)
        var rest = bytes[...]
        repeat {
            let isSplit =
                plan.setting.splits && !isCalm && connection.client >= 0 && rest.count > 1
                && connection.chance.happens(1, of: 4)
            let piece = rest.prefix(isSplit ? 1 + connection.chance.below(rest.count - 1) : rest.count)
            rest = rest.dropFirst(piece.count)
            connection.lastArrival = max(connection.lastArrival, now + delay(on: connection))
            events.add(.arrival(connection, Array(piece)), at: connection.lastArrival)
        } while !rest.isEmpty
    }
}
