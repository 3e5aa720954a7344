import SluiceWire

/// What a conversation leaves for a later turn, because other connections of the reactor have much to do as well.
extension Conversation {
    /// The number of bytes that may be read while input of other connections waits for its turn. At most a slice,
    /// because reading takes time too, unless a body is arriving.
    var readableBytesWhenCrowded: Int {
        if isReadingBody { return max(hub.inputCapacity, min(parser.awaitedBodyBytes, Budget.bodyReadWhenCrowded)) }
        // Held input that can run gets a turn, after which reading continues. An unfinished line gets none, so reading
        // must continue now.
        return canRunHeld ? 0 : min(Self.sliceBytes, hub.inputCapacity - held.count)
    }

    /// Whether a body is arriving, and its beginning has been stored.
    var isReadingBody: Bool { held.isEmpty && incompleteSince != nil && parser.awaitedBodyBytes > 0 }

    /// Whether input must wait for that of other connections. Short input need not, nor the rest of a body, unless it could
    /// end a connection with many pending commands, or very much such input has run in this turn.
    func mustWait(withInput count: Int) -> Bool {
        guard canRun else { return false }
        if share.isOverspent || segment.parkedTags.count > Budget.fewPending { return true }
        let stored = isReadingBody ? parser.awaitedBodyBytes : 0
        return held.count + count - stored > share.shortInput
    }

    /// Returns by how many steps fewer input counts because some of it was stored in bodies.
    ///
    /// - Parameters:
    ///   - count: the bytes of the input.
    ///   - awaited: the bytes of a body that were missing before.
    @inline(never)
    func excessSteps(of count: Int, _ awaited: Int) -> Int {
        // The last bytes may belong to a body that is not complete.
        let stored = awaited > 0 ? awaited : parser.isInsideBody ? parser.bufferedBytes : 0
        return count / Budget.inputBytesPerStep - Budget.steps(ofBytes: count, bodyBytes: min(stored, count))
    }

    /// Runs a transaction whose steps are more than those of most, so that they count for all connections of the
    /// reactor.
    func transactCountingSteps(_ body: (inout HubStateMachine) -> Void) {
        hub.transact(share) { [share] machine in
            let before = machine.steps
            machine.sliceEnd = before + max(0, stepsLeft)
            body(&machine)
            share.spend(machine.steps - before)
        }
    }

    /// Limits the steps of the client's commands in this turn.
    func limitSteps(to most: Int) { stepsLeft = min(stepsLeft, most) }
}
