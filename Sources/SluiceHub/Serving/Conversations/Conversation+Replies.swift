import SluiceWire

/// The outcomes and replies of commands, and what is reported about them.
extension Conversation {
    /// Notes the verb of the command that runs now.
    @inline(__always)
    func note(_ verb: Verb) {
        lastVerb = verb
        share.begin(id, verb)
    }

    /// Notes an event, which the hub reports after the batch, without its lock.
    func note(_ kind: ClientEvent.Kind) {
        share.events.append((kind, id, lastVerb))
    }

    /// Reports written output of counted receives and traces to the hub, once it is at least half of the limit.
    func reportWritten() {
        let written = segment.unreportedBytes - segment.output.count
        guard written >= hub.limits.outputBytes / 2, written > 0 else { return }
        segment.unreportedBytes -= written
        hub.transact(share) { [id] in $0.outputWritten(written, of: id) }
    }

    // MARK: Commands

    func conclude(_ outcome: Outcome, _ tag: Tag?) {
        switch outcome {
        case .ok(let attributes): segment.output.append(ok: attributes, tag: tag)
        case .done(let reply): emit(reply, tag)
        case .unreported: break
        case .parked(let id): park(id, tag)
        }
    }

    /// Whether it is certain, without a lookup of the tag, that a command with it may run and park.
    func isFree(_ tag: RequestParser.RepeatedTag) -> Bool { tag.bytes.isEmpty || segment.parkedTags.isEmpty }

    /// Returns whether a command with that tag may run, and refuses it otherwise.
    func mayAnswer(_ tag: Tag?) -> Bool {
        guard isInUse(tag) else { return true }
        emit(.error(.tagInUse), tag)
        return false
    }

    /// Returns whether a command with that tag may run and park, and refuses it otherwise.
    @inline(__always)
    func mayBegin(_ tag: Tag?) -> Bool { tag == nil || mayBeginTagged(tag) }

    private func mayBeginTagged(_ tag: Tag?) -> Bool {
        guard mayAnswer(tag) else { return false }
        let limit = hub.limits.wire.maxPendingTags
        if segment.parkedTags.count < limit { return true }
        emit(.error(WireError(.limit, "a connection may have at most \(limit) tagged commands pending")), tag)
        return false
    }

    private func park(_ id: OperationID, _ tag: Tag?) {
        if let tag { segment.parkedTags[tag] = id } else { segment.hasParkedUntagged = true }
    }

    // MARK: Replies

    func answer(_ reply: Reply, _ tag: Tag?) {
        if isInUse(tag) { return emit(.error(.tagInUse), tag) }
        emit(reply, tag)
    }

    func isInUse(_ tag: Tag?) -> Bool {
        // This runs for each tagged command, and a lookup hashes the tag even if the dictionary is empty.
        guard let tag, !segment.parkedTags.isEmpty else { return false }
        return segment.parkedTags[tag] != nil
    }

    func emit(_ reply: Reply, _ tag: Tag?) {
        // Looking at the error here would copy it for each reply.
        if case .error = reply { noteLimit(in: reply) }
        segment.output.append(reply, tag: tag)
    }

    @inline(never)
    private func noteLimit(in reply: Reply) {
        if case .error(let error) = reply, error.code == .limit { note(.limited(error.message)) }
    }
}
