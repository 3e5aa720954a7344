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
    private var isReadingBody: Bool { held.isEmpty && incompleteSince != nil && parser.awaitedBodyBytes > 0 }

    /// Whether input must wait for that of other connections. Short input need not, nor the rest of a body, unless it could
    /// end a connection with many pending commands, or very much such input has run in this turn.
    func mustWait(withInput count: Int) -> Bool {
        guard canRun else { return false }
        if share.isOverspent || segment.parkedTags.count > Budget.fewPending { return true }
        let stored = isReadingBody ? parser.awaitedBodyBytes : 0
        return held.count + count - stored > Budget.shortInput
    }

    /// Withdraws the pending commands that do not outlast the client's input. Many of them are withdrawn in a later
    /// turn if the reactor is crowded.
    func withdrawWithInput() {
        guard !share.isCrowded || segment.parkedTags.count <= Budget.fewPending && !share.isOverspent else {
            if case .withdrawal? = job { return }
            return job = .withdrawal(then: job)
        }
        transactCountingSteps { [id] in $0.endInput(of: id) }
    }

    /// Runs a transaction whose steps are more than those of most, so that they count for all connections of the
    /// reactor.
    func transactCountingSteps(_ body: (inout HubStateMachine) -> Void) {
        hub.transact(share) { [share] machine in
            let before = machine.steps
            body(&machine)
            share.spend(machine.steps - before)
        }
    }
}
