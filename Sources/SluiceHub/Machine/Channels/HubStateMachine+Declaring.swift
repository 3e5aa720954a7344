import SluiceRuntime
import SluiceWire

/// The charges for declared channels, and the removal of unused ones.
extension HubStateMachine {
    /// The most declared channels that one command examines to find an unused one.
    private static let mostExamined = 64

    /// Returns the error if a client may not declare another channel, or nil if it may.
    ///
    /// Removes unused channels of the client's holder if necessary. An unused channel has no message, no operation and
    /// no joined end, and the connection that declared it has ended.
    mutating func refusalToDeclare(for client: ClientRecord) -> WireError? {
        guard Int(client.declaredCount) < limits.maxDeclaredChannels else {
            return WireError(.limit, "a connection may declare at most \(limits.maxDeclaredChannels) channels")
        }
        let bound = client.holder.limits.declaredChannels
        var examined = 0
        // Each is seldom in the processor's cache, and takes up to half a microsecond.
        defer { steps += examined / 2 }
        while examined < Self.mostExamined {
            let refusal = account.refusal(of: ObjectSize.declaredChannel, for: client, outlivesConnection: true)
            let count = client.holder.declared.count
            if refusal == nil, count < bound ?? limits.maxDeclaredChannels { return nil }
            // Without a bound on memory, a holder may have more channels than one connection.
            examined += 1
            if !examineOldest(of: client.holder) {
                return refusal ?? bound.map { WireError(.limit, "the principal may declare at most \($0) channels") }
            }
        }
        if let bound, client.holder.declared.count >= bound {
            return WireError(.limit, "the principal may declare at most \(bound) channels")
        }
        return account.refusal(of: ObjectSize.declaredChannel, for: client, outlivesConnection: true)
    }

    /// Removes the oldest channel that a holder's connections have declared if it is unused, and otherwise makes it the
    /// youngest.
    ///
    /// - Returns: whether there was a channel.
    private mutating func examineOldest(of holder: Holder) -> Bool {
        guard let oldest = holder.declared.popFirst()?.channel, let extras = oldest.extras else { return false }
        extras.declarationPlace = holder.declared.append(UnownedChannel(channel: oldest))
        if oldest.isUnused, oldest.payer?.isConnected == false {
            retract(oldest)
            oldest.engine.kind = .rendezvous
            extras.isBroadcast = false
            extras.policy = nil
            channels.removeIfIdle(oldest, at: now)
        }
        return true
    }

    /// Charges a client for a channel that it declares.
    func beginDeclaration(of channel: NamedChannel, by client: ClientRecord) {
        channel.payer = client
        client.declaredCount += 1
        client.charge(ObjectSize.declared(channel))
        let extras = channel.ensureExtras()
        extras.declarationPlace = client.holder.declared.append(UnownedChannel(channel: channel))
        extras.declarationHolder = client.holder
    }

    /// Discharges the client of a channel whose declaration ends.
    func endDeclaration(of channel: NamedChannel) {
        guard let extras = channel.extras, let client = channel.payer else { return }
        if let place = extras.declarationPlace { _ = extras.declarationHolder?.declared.remove(place) }
        extras.declarationPlace = nil
        extras.declarationHolder = nil
        client.declaredCount -= 1
        client.charge(-ObjectSize.declared(channel))
        channel.payer = nil
    }
}

/// A channel in the list of its holder. The table keeps a declared channel alive, and `endDeclaration` removes it here.
struct UnownedChannel {
    unowned(unsafe) let channel: NamedChannel
}
