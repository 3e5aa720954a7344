import SluiceRuntime
import SluiceWire

/// The commands that do not run under the hub's lock, because they do not need the hub or take the lock themselves.
extension Conversation {
    /// Ends the conversation with an error, because the client has not completed its line or its `AUTH` in time.
    func endOverdue(because ending: ConnectionEnding) {
        refuse(ending == .denied ? .tooLateUnproven(hub.limits) : .slowLine(hub.limits), because: ending)
    }

    func runUnlocked(_ request: Request) {
        let tag = request.tag
        switch request.command {
        case .hello(let features): greet(understanding: features, tag)
        case .ping(let body): answer(.pong(body), tag)
        case .help where !countReport(), .inspect where !countReport(): answer(.error(.drainingReports), tag)
        case .help(let verb):
            stepsLeft -= Budget.stepsOfHelp
            answer(.data(hub.help.body(for: verb)), tag)
        case .inspect(let inspection): inspect(inspection, tag)
        case .kill(let command): answer(hub.kill(command, by: id), tag)
        case .quit: quit(tag)
        case .authenticate(let credentials): authenticate(credentials, tag)
        case .send, .receive, .select, .barrier, .acknowledge, .nack, .reject, .redrive, .touch, .open, .close, .poison,
            .join, .leave,
            .name, .trace, .cancel:
            break
        }
    }

    /// Whether the client may have a report. The reports that clients ask for must not hold up the end of a draining hub.
    private func countReport() -> Bool {
        guard share.isDraining else { return true }
        guard drainReports < Budget.reportsWhileDraining, share.countDrainReport(of: holder) else {
            return false
        }
        drainReports += 1
        return true
    }

    private func greet(understanding features: Set<Feature>?, _ tag: Tag?) {
        if isInUse(tag) { return answer(hub.greeting, tag) }
        if let features {
            hub.transact(share) { [id] machine in machine.clients[id]?.understand(features) }
        }
        answer(hub.greeting, tag)
    }

    private func inspect(_ inspection: Inspection, _ tag: Tag?) {
        if isInUse(tag) { return answer(.error(.tagInUse), tag) }
        do {
            take(try hub.job(for: inspection, by: id), tag)
        } catch {
            answer(.error(error), tag)
        }
    }

    private func authenticate(_ credentials: Credentials, _ tag: Tag?) {
        guard let principals = hub.principals else { return answer(.error(.noPrincipals), tag) }
        stepsLeft -= Budget.stepsOfAuthentication
        let (key, decision) = hub.attempt(credentials, by: id, on: share, principals)
        switch decision {
        case .now: decide(credentials, tag)
        case .never: decideLater(DelayedAuthentication(nil, tag), key, AuthenticationThrottle.longestDelay)
        case .later(let delay): decideLater(DelayedAuthentication(credentials, tag), key, delay)
        }
    }

    private func decideLater(
        _ attempt: DelayedAuthentication, _ key: AuthenticationThrottle.Key, _ delay: UInt64
    ) {
        share.delayedAuthentications[id] = attempt
        // No further command runs until the decision, as after a command without a tag that waits.
        segment.hasParkedUntagged = true
        _ = share.reactor.call(after: .nanoseconds(Int64(clamping: delay))) { [hub, segment, id] in
            if let credentials = attempt.credentials { hub.decided(key, for: credentials.principal, on: segment.share) }
            attempt.isDue = true
            segment.owner?.takeUnretainedValue().repliesArrived()
            segment.share.delayedAuthentications[id] = nil
        }
    }

    /// Whether an `AUTH` waits for its decision.
    var isAuthenticating: Bool { !share.delayedAuthentications.isEmpty && share.delayedAuthentications[id] != nil }

    /// Decides a delayed `AUTH` if its time has come.
    func decideDelayedAuthentication() {
        guard !share.delayedAuthentications.isEmpty, let attempt = share.delayedAuthentications[id], attempt.isDue
        else {
            return
        }
        share.delayedAuthentications[id] = nil
        segment.hasParkedUntagged = false
        guard ending == nil else { return }
        guard let credentials = attempt.credentials else {
            return refuse(.tooManyAttempts, attempt.tag, because: .denied)
        }
        decide(credentials, attempt.tag)
    }

    /// Authenticates the client if its token is right, and ends the conversation if it is not.
    private func decide(_ credentials: Credentials, _ tag: Tag?) {
        let digest = TokenDigest(of: credentials.token)
        guard hub.principals?.accept(credentials.principal, digest) != false else {
            return refuse(.denied, tag, because: .denied)
        }
        let identity = ProvenIdentity(principal: credentials.principal, proof: .token(digest))
        if assume(identity, tag) { answer(.ok(Attributes()), tag) }
    }

    /// Makes the client a principal that it has proved to be, and ends the conversation if it may not be that.
    ///
    /// - Parameter tag: the tag of the command that an error answers.
    /// - Returns: whether the client is the principal now.
    @discardableResult
    func assume(_ identity: ProvenIdentity, _ tag: Tag? = nil) -> Bool {
        var refusal: (ending: ConnectionEnding, error: WireError)?
        hub.transactOnState(share) { [id] state in
            refusal = state.authenticate(id, as: identity)
            holder = state.machine.holder(of: id)
        }
        if let refusal {
            refuse(refusal.error, tag, because: refusal.ending)
            return false
        }
        hub.names.authenticate(id, as: identity.principal)
        // The principals may have changed just before the hub knew this one.
        guard hub.principals?.stillAccept(identity) != false else {
            refuse(.denied, tag, because: .revoked)
            return false
        }
        admission = nil
        hub.report(.authenticated, by: id, .authenticate)
        return true
    }
}

/// An `AUTH` that is decided later, because its address has sent wrong tokens. Used only on the thread of the
/// connection's reactor.
final class DelayedAuthentication: @unchecked Sendable {
    // Sendable: see above.

    /// Nil if the attempt is refused, because too many others are waiting.
    let credentials: Credentials?
    let tag: Tag?
    var isDue = false

    init(_ credentials: Credentials?, _ tag: Tag?) {
        self.credentials = credentials
        self.tag = tag
    }
}
